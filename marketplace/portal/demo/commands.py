"""Making the demo city, and everything a new machine needs before it serves."""

import json
import secrets
import sys
from collections.abc import Iterable, Sequence

import click
from flask import Blueprint, current_app
from flask.cli import AppGroup
from tqdm import tqdm

from marketplace.kernel import db
from marketplace.portal.demo import queries, service
from marketplace.portal.demo.errors import AlreadyInhabited
from marketplace.portal.demo.service.watch import T
from marketplace.settings import Settings
from marketplace.web import schema

bp = Blueprint("demo", __name__, cli_group=None)
demo = AppGroup("demo", help="A fictional city to look around in, to test with and to measure on.")


@bp.cli.command("prepare")
@click.option("--seed", "size", type=click.Choice([*service.SIZES, "none"]), default="none", show_default=True)
def prepare(size: str) -> None:
    """Bring the database up to date, fill a new one with the demo city, and say how to sign in to it."""
    settings = _settings()
    schema.upgrade(settings.database_url)
    try:
        with db.transaction(read_only=True):
            wanted = size != "none" and queries.is_empty()
        if wanted and settings.in_production:
            click.echo("In production the demo city is made only by: flask --app wsgi demo seed --yes", err=True)
        elif wanted:
            click.echo(f"Making the demo city ({size}) …", err=True)
            _seed(size, 1, queries.PASSWORD)
        if not settings.in_production:
            _show_sign_ins(queries.PASSWORD)
    finally:
        db.session.remove()
        current_app.extensions["engine"].dispose()


@demo.command("seed")
@click.option("--size", type=click.Choice(list(service.SIZES)), default="city", show_default=True)
@click.option("--seed", "number", type=int, default=1, show_default=True, help="Another number makes another city.")
@click.option("--yes", is_flag=True, help="Even in production; everybody's password is then made anew and shown once.")
def seed(size: str, number: int, yes: bool) -> None:
    """Fill a database that has no buildings with a fictional city."""
    production = _settings().in_production
    if production and not yes:
        raise click.ClickException(
            "This is a production database. Give --yes if a fictional city is really wanted in it."
        )
    password = secrets.token_urlsafe(16) if production else queries.PASSWORD
    counts = _seed(size, number, password)
    _show_sign_ins(password)
    click.echo(json.dumps(counts))


@demo.command("sign-ins")
def sign_ins() -> None:
    """Show the accounts to look around with."""
    if _settings().in_production:
        raise click.ClickException("The password was shown once, when the demo city was made.")
    _show_sign_ins(queries.PASSWORD)


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings


def _seed(size: str, number: int, password: str) -> dict[str, int]:
    try:
        with db.transaction():
            return service.seed(
                service.SIZES[size], number, city=_settings().city_name_ko, password=password, watch=_watched
            )
    except AlreadyInhabited as refusal:
        raise click.ClickException(str(refusal.sentence)) from refusal


def _watched(things: Sequence[T], doing: str) -> Iterable[T]:
    """A progress bar, if someone is looking."""
    watched: Iterable[T] = tqdm(things, desc=doing, file=sys.stderr, disable=None)
    return watched


def _show_sign_ins(password: str) -> None:
    with db.transaction(read_only=True):
        found = queries.sign_ins()
    if found:
        click.echo(f"Demo sign-ins, all with the password {password}")
        for sign_in in found:
            click.echo(f"  {sign_in.email:34} {sign_in.what}")
