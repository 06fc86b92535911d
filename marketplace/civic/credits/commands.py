"""What an operator does with the ledger: work every balance out again."""

import json
import sys

import click
from flask.cli import AppGroup

from marketplace.kernel import clock, db, ledger

ledger_group = AppGroup("ledger", help="Accounts and the movements between them.")


@ledger_group.command("verify")
def verify() -> None:
    """Check every balance against all movements of its account."""
    with db.transaction(read_only=True):
        problems = ledger.verify()
    for problem in problems:
        click.echo(f"account {problem.account_id}: {problem.what}")
    click.echo(json.dumps({"at": clock.now().isoformat(), "problems": len(problems)}))
    if problems:
        sys.exit(1)
