"""The first administrator, and roles, from the command line."""

import sys

import click
import sqlalchemy as sa
from flask.cli import AppGroup

from marketplace.civic.accounts import queries, service
from marketplace.civic.accounts.models import Role
from marketplace.civic.departments.models import Department
from marketplace.kernel import db
from marketplace.kernel.errors import DomainError

accounts = AppGroup("accounts", help="People and their roles.")


@accounts.command("create-admin")
@click.option("--email", required=True)
@click.option("--name", required=True)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def create_admin(email: str, name: str, password_stdin: bool) -> None:
    """Make an administrator; someone with a confirmed account keeps their name and password."""
    if password_stdin:
        password = sys.stdin.readline().rstrip("\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    try:
        with db.transaction():
            person = service.create_administrator(name, email, password)
            number = person.id
    except DomainError as refusal:
        raise click.ClickException(str(refusal.sentence)) from refusal
    click.echo(f"Person {number} is an administrator.")


@accounts.command("grant")
@click.argument("email")
@click.argument("role", type=click.Choice([role.value for role in Role]))
@click.option("--building", type=int, help="For a manager: the building's number.")
@click.option("--department", help="For staff: the department's code.")
def grant(email: str, role: str, building: int | None, department: str | None) -> None:
    """Give a role to whoever confirmed this address."""
    try:
        with db.transaction():
            person = queries.by_email(email)
            if person is None or not person.is_confirmed:
                raise click.ClickException("Nobody has confirmed this address.")
            by_code = sa.select(Department.id).where(Department.code == department)
            department_id = db.session.scalar(by_code) if department else None
            if department and department_id is None:
                raise click.ClickException("There is no department with this code.")
            service.grant(None, person, Role(role), building_id=building, department_id=department_id)
            number = person.id
    except DomainError as refusal:
        raise click.ClickException(str(refusal.sentence)) from refusal
    click.echo(f"Person {number} is now {role}.")
