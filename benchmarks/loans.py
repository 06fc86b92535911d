"""What happens when a thing is promised by many answers at one time.

    .venv/bin/python -m benchmarks.loans           about five minutes
    .venv/bin/python -m benchmarks.loans --quick   a trial of the script itself

So many requests for one thing, all over the same day, are accepted by so many processes released together, in the
service and over HTTP; every round of another thing. One must be accepted and the others told so, 409 and nothing else.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa

from benchmarks import cluster, figures, server
from benchmarks.city import build
from benchmarks.figures import say
from benchmarks.racing import ACCEPTED, COLUMNS, Attempt, race
from marketplace.civic.accounts import queries as accounts
from marketplace.civic.accounts.models import Method, Person
from marketplace.kernel import cells, clock, db, occupancy
from marketplace.kernel.errors import DomainError
from marketplace.kernel.geo import Point
from marketplace.kernel.occupancy import Occupancy
from marketplace.sharing.items.models.lending import Loan, LoanState
from marketplace.sharing.items.models.listing import Condition, Item, ItemUnit
from marketplace.sharing.items.queries.loans import get_loan
from marketplace.sharing.items.service import loans
from marketplace.web import schema

ROOMS = 40
HERE = Point(37.55, 127.05)


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured."""

    crowds: tuple[int, ...]
    rounds: int


WHOLE = Effort((4, 16, 64), 20)
QUICK = Effort((4,), 2)


@dataclass(frozen=True, slots=True)
class Stage:
    """Where it happens: a city on a database, the site that serves it, an owner, and requests by round and process."""

    url: str
    port: int
    owner_id: int
    sign_in: server.SignIn
    requests: Sequence[Sequence[str]]


def accept_in_service(stage: Stage, which: int) -> Attempt:
    """A process's way to accept its request by the service."""
    db.connect(stage.url)

    def accept(turn: int) -> tuple[int, str]:
        try:
            with db.transaction():
                owner, loan = accounts.person(stage.owner_id), get_loan(stage.requests[turn][which])
                return ACCEPTED, loans.accept(owner, loan).reference
        except DomainError as refusal:
            return refusal.status, ""

    with db.transaction():  # connected, and its statements prepared, as in a program that has run for a minute
        loans.accept(accounts.person(stage.owner_id), get_loan(stage.requests[0][which]))
        db.session.rollback()
    return accept


def accept_over_http(stage: Stage, which: int) -> Attempt:
    """A process's way to accept its request as a browser does."""
    browser = server.Browser(stage.port, stage.sign_in)

    def accept(turn: int) -> tuple[int, str]:
        reference = stage.requests[turn][which]
        browser.connect()  # the one before may have been closed between two rounds
        status, *_ = browser.post(f"/items/loans/{reference}/accept")
        return status, reference

    return accept


def prepare(person_ids: Sequence[int], crowd: int, rounds: int) -> list[list[str]]:
    """For each round a thing of the first person's, asked for by so many of the others over the same day."""
    owner_id, *borrowers = person_ids
    made = []
    for turn in range(rounds):
        item = Item(
            owner_id=owner_id, title=f"Drill {turn + 1}", category="drills", condition=Condition.GOOD,
            cell=cells.cell_of(HERE),
        )  # fmt: skip
        db.session.add(item)
        db.session.flush()
        db.session.add(ItemUnit(item_id=item.id, resource_id=occupancy.add_resource().id, number=1))
        day = clock.today() + timedelta(days=10)
        asked = [
            Loan(
                item_id=item.id, borrower_id=borrowers[n], due_at=clock.now() + timedelta(days=2),
                first_day=day - timedelta(days=n % 3), last_day=day + timedelta(days=n % 2),
            )
            for n in range(crowd)
        ]  # fmt: skip
        db.session.add_all(asked)
        db.session.flush()
        made.append([loan.reference for loan in asked])
    return made


def measure(name: str, url: str, folder: Path, effort: Effort) -> list[Any]:
    """The races of one database."""
    schema.upgrade(url)
    app = server.application(url, folder)
    engine: sa.Engine = app.extensions["engine"]
    ways = (("service", accept_in_service), ("HTTP", accept_over_http))
    with db.transaction():
        people = build(ROOMS).person_ids[: max(effort.crowds) + 1]
        verified = {"verified_at": clock.now(), "verified_method": Method.COUNTER}
        db.session.execute(sa.update(Person).where(Person.id.in_(people)).values(**verified))
        prepared = [
            (crowd, where, way, prepare(people, crowd, effort.rounds)) for crowd in effort.crowds for where, way in ways
        ]
    [sign_in] = server.sign_in(app, people[:1])
    engine.dispose()  # no connection crosses the fork
    raced = []
    with server.serving(url, folder) as port:
        for crowd, where, way, requests in prepared:
            stage = Stage(url, port, people[0], sign_in, requests)
            raced.append(race(partial(way, stage), crowd, effort.rounds, f"{name}, {where}"))
            engine.dispose()
    with db.transaction(read_only=True):
        promised = db.count(sa.select(Loan.id).where(Loan.state == LoanState.ACCEPTED))
        held = db.count(sa.select(Occupancy.id).where(Occupancy.kind == occupancy.Kind.LOAN))
    say(f"- {figures.database_line()}; {promised} promised and {held} held of {sum(row[3] for row in raced)} accepted")
    engine.dispose()
    return raced


def main() -> None:
    """Measure both databases and print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="a small trial run")
    options.add_argument("--crowd", type=int, help="only so many processes")
    options.add_argument("--rounds", type=int, help="only so many rounds")
    chosen = options.parse_args()
    effort = QUICK if chosen.quick else WHOLE
    effort = Effort((chosen.crowd,) if chosen.crowd else effort.crowds, chosen.rounds or effort.rounds)
    raced: list[Any] = []
    figures.heading("benchmarks.loans")
    with TemporaryDirectory(prefix="maeul-benchmark.") as folder, cluster.started() as new_database:
        databases = {"SQLite": f"sqlite:///{folder}/loans.db"}
        if new_database:
            databases["PostgreSQL"] = new_database("loans")
        else:
            print("No PostgreSQL with PostGIS here: SQLite only.", file=sys.stderr)
        for name, url in databases.items():
            raced += measure(name, url, Path(folder), effort)
    say()
    say("One thing asked for by so many for the same day; from release to answer in milliseconds.")
    say()
    figures.table(COLUMNS, raced)
    figures.ending()


if __name__ == "__main__":
    main()
