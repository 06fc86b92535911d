"""flask privacy …: who was erased, and erasing again after a backup was restored."""

import click
import sqlalchemy as sa
from flask.cli import AppGroup

from marketplace.civic.accounts.models import Person
from marketplace.civic.privacy.service import erasure
from marketplace.kernel import db

privacy = AppGroup("privacy", help="Personal data.")


@privacy.command("erased")
def erased() -> None:
    """Print the number of everyone erased, to be kept apart from the backups."""
    with db.transaction(read_only=True):
        for number in db.session.scalars(sa.select(Person.id).where(Person.erased_at.is_not(None)).order_by(Person.id)):
            click.echo(number)


@privacy.command("erase")
@click.argument("numbers", type=int, nargs=-1, required=True)
def erase(numbers: tuple[int, ...]) -> None:
    """Have people erased at once whom a restored backup has brought back; the worker does it."""
    with db.transaction():
        known = erasure.erase_now(numbers)
    click.echo(f"{known} to be erased.")
