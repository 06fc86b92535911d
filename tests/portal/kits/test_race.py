"""Processes that a barrier releases together onto kits that share parts: nobody gets half a kit, nobody deadlocks."""

import multiprocessing
from collections import Counter
from collections.abc import Callable
from datetime import date
from itertools import pairwise
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import selectinload
from sqlalchemy.orm.exc import StaleDataError

from marketplace.civic.accounts.models import Person, Role
from marketplace.kernel import clock, db, jobs, occupancy
from marketplace.kernel.errors import Conflict
from marketplace.kernel.occupancy import occupied_spans
from marketplace.portal.kits.models import Kit, KitBooking, KitPart
from marketplace.portal.kits.queries import bookings as queries
from marketplace.portal.kits.queries import kits
from marketplace.portal.kits.service import booking
from marketplace.sharing.items.models.lending import Loan
from marketplace.sharing.items.models.listing import Item, ItemUnit
from marketplace.sharing.items.queries import loans as loan_queries
from marketplace.sharing.items.service import loans
from marketplace.sharing.spaces.queries import bookings as room_queries
from marketplace.sharing.spaces.queries import rooms
from marketplace.sharing.spaces.service import bookings
from tests.conftest import MONDAY
from tests.factories import building, item, library, loan, march, neighbour, person, space

pytestmark = pytest.mark.usefixtures("app")
PROCESSES = 16
ROUNDS = 4
FIRST_DAY = 8
TOLD: dict[str, Any] = {"people": 5, "purpose": "A feast", "rules_accepted": True}


class Stage(NamedTuple):
    """Whom and what the processes race for."""

    people: list[int]
    manager: int
    forth: int
    back: int
    hall: int
    kitchen: int
    asked: list[str]
    booked: list[str]
    requested: list[str]


Attempt = Callable[[Stage, int, int], object]
"""What a process of some number does in a round."""


def _person(number: int) -> Person:
    return db.session.get_one(Person, number, options=[selectinload(Person.grants)])


def _kit(which: str) -> Attempt:
    def book_kit(stage: Stage, number: int, turn: int) -> object:
        time = march(FIRST_DAY + turn, 18, 20)
        return booking.book(_person(stage.people[number]), kits.get_kit(getattr(stage, which)), time, **TOLD)

    return book_kit


def _room(which: str) -> Attempt:
    def book_room(stage: Stage, number: int, turn: int) -> object:
        time = march(FIRST_DAY + turn, 19 + turn % 2, 21)  # every other day beside the kits', which are slower
        return bookings.book(_person(stage.people[number]), rooms.get_space(getattr(stage, which)), time, **TOLD)

    return book_room


def lend(stage: Stage, _number: int, turn: int) -> object:
    """The manager agrees to a loan of a thing of both kits."""
    return loans.accept(_person(stage.manager), loan_queries.get_loan(stage.asked[turn]))


def cancel(stage: Stage, _number: int, turn: int) -> object:
    """A kit booked before is given up, so that others may get what it held."""
    found = queries.get_booking(stage.booked[turn])
    return booking.cancel(_person(found.person_id), found, "We are ill.")


def decline(stage: Stage, _number: int, turn: int) -> object:
    """The room of a kit that was asked for is declined."""
    found = queries.get_booking(stage.requested[turn])
    held = room_queries.get_booking(found.bookings[0].reference)
    return bookings.decline(_person(stage.manager), held, "The floor is wet.")


DOING = (
    _kit("forth"), _kit("back"), _room("hall"), _kit("back"), _kit("forth"), lend, _kit("back"), _kit("forth"),
    _room("kitchen"), _kit("forth"), _kit("back"), _kit("forth"), _kit("back"), _kit("forth"), cancel, decline,
)  # fmt: skip
"""What each process does, round after round."""


def _run(url: str, stage: Stage, number: int, barrier: Any, outcomes: Any) -> None:
    engine, attempt = db.connect(url), DOING[number]
    with clock.frozen(MONDAY):
        for turn in range(ROUNDS):
            barrier.wait(60)
            try:
                with db.transaction():
                    attempt(stage, number, turn)
                outcome = "done"
            except Conflict as refusal:
                outcome = f"refused {refusal.status}"
            except StaleDataError:  # the second of those who change one thing: answered with 409 as well
                outcome = "refused 409"
            except Exception as error:  # noqa: BLE001 - any other error is what the test looks for
                outcome = repr(error)
            outcomes.put((attempt.__name__, outcome))
    db.session.remove()
    engine.dispose()


def staged() -> Stage:
    """Two kits of the same things: in one order of parts and in the other, the pieces' resources mixed."""
    house = building("Riverside House")
    manager, shelf = person("Manager", roles=[(Role.MANAGER, house)]), library(house)
    tent, hall, chair = item("Tent", of=shelf), space("Hall", building=house), item("Chair", of=shelf, units=3)
    more = occupancy.add_resource()
    db.session.add(ItemUnit(item_id=tent.id, resource_id=more.id, number=2, code="MORE0001"))
    kitchen, cellar = space("Kitchen", building=house), space("Cellar", building=house, by_request=True)
    db.session.commit()
    forth = put_together(house.id, "Forth", [hall, tent, chair])
    back = put_together(house.id, "Back", [chair, tent, kitchen])
    early = put_together(house.id, "Early", [hall, tent])
    wish = put_together(house.id, "Wish", [cellar, chair])
    requested, booked, asked = list[str](), list[str](), list[str]()
    for turn in range(ROUNDS):
        day = FIRST_DAY + turn
        for of, references in ((early, booked), (wish, requested)):
            made = booking.book(neighbour(), kits.get_kit(of), march(day, 9, 10), **TOLD)
            references.append(made.reference)
        asked.append(loan(chair, day, day).reference)
    people = [neighbour().id for _ in range(PROCESSES)]
    db.session.commit()
    return Stage(people, manager.id, forth, back, hall.id, kitchen.id, asked, booked, requested)


def put_together(building_id: int, name: str, parts: list[Any]) -> int:
    """The id of a kit with its parts in this order."""
    made = Kit(building_id=building_id, name=name, published=True, parts=[])
    db.session.add(made)
    db.session.flush()
    for part in parts:
        own = {"item_id": part.id} if isinstance(part, Item) else {"space_id": part.id}
        db.session.add(KitPart(kit_id=made.id, **own))
        db.session.flush()
    db.session.commit()
    return made.id


def race(url: str, stage: Stage) -> Counter[tuple[str, str]]:
    """How often each kind of attempt came to which outcome."""
    fork = multiprocessing.get_context("fork")
    barrier, outcomes = fork.Barrier(PROCESSES), fork.SimpleQueue()
    engine = db.session.get_bind()
    assert isinstance(engine, sa.Engine)
    db.session.remove()
    engine.dispose()  # a forked process may not share connections
    runners = [fork.Process(target=_run, args=(url, stage, number, barrier, outcomes)) for number in range(PROCESSES)]
    for runner in runners:
        runner.start()
    found = Counter(outcomes.get() for _ in range(PROCESSES * ROUNDS))
    for runner in runners:
        runner.join(60)
        assert runner.exitcode == 0
    return found


def is_held(lent: Loan) -> bool:
    """Whether a loan holds as many pieces as were asked for; some, but not all, is what must not be."""
    held = [piece.occupancy is not None for piece in lent.pieces]
    assert len(held) == lent.quantity
    assert len(set(held)) == 1
    return held[0]


def test_nobody_gets_half_a_kit_and_nobody_waits_for_ever(live_database):
    stage = staged()

    found = race(live_database, stage)

    assert {outcome for _doing, outcome in found} == {"done", "refused 409"}, found
    assert found["cancel", "done"] == found["decline", "done"] == ROUNDS
    jobs.run_pending()
    with db.transaction(read_only=True):
        made = list(queries.by_id(list(db.session.scalars(sa.select(KitBooking.id)))).values())
        assert len(made) == found["book_kit", "done"] + 2 * ROUNDS
        assert found["book_kit", "done"] >= ROUNDS // 2
        for one in made:
            holds = {room.occupancy is not None for room in one.bookings} | {is_held(lent) for lent in one.loans}
            assert holds == {one.ended_at is None}
            assert len(one.parts) == len(kits.get_kit(one.kit_id).parts)
            assert {lent.first_day for lent in one.loans} == {date(2027, 3, clock.local(one.bookings[0].starts_at).day)}
        span = occupied_spans.c
        held = sa.select(span.resource_id, span.starts_at, span.ends_at).order_by(span.resource_id, span.starts_at)
        for first, second in pairwise(db.session.execute(held).all()):
            assert first.resource_id != second.resource_id or first.ends_at <= second.starts_at
