"""Helping the last administrator, who lost every second factor, from the command line."""

import click
from flask.cli import AppGroup

from marketplace.civic.accounts import queries as people
from marketplace.civic.factors.models import Check
from marketplace.civic.factors.service import care
from marketplace.kernel import db

factors = AppGroup("factors", help="Second factors.")


@factors.command("reset")
@click.argument("email")
@click.option(
    "--checked",
    required=True,
    type=click.Choice([one.value for one in Check]),
    help="How you made sure who it is; the person reads it.",
)
def reset(email: str, checked: str) -> None:
    """Take away the second factors of whoever confirmed this address."""
    with db.transaction():
        person = people.by_email(email)
        if person is None or not person.is_confirmed:
            raise click.ClickException("Nobody has confirmed this address.")
        care.reset(None, person, Check(checked))
        number = person.id
    click.echo(f"Person {number} signs in with the password alone until a new second factor is set up.")
