"""Waiting for a thing that others have: whoever came first is offered it first, for a day, and then the next."""

from datetime import date, timedelta

from marketplace.civic.accounts.models import Person
from marketplace.civic.accounts.policy import expect_may_act
from marketplace.civic.accounts.queries import one_at_a_time
from marketplace.civic.notifications import service as notifications
from marketplace.kernel import clock, db, occupancy, things
from marketplace.kernel.occupancy import Kind as Holding
from marketplace.sharing.items import errors, policy
from marketplace.sharing.items.models.lending import InLine, days
from marketplace.sharing.items.models.listing import Item
from marketplace.sharing.items.queries import line as queries
from marketplace.sharing.items.queries import loans as loan_queries

OFFERED_FOR = timedelta(hours=24)
MOST_LINES = 10
"""How many things one person may wait for."""


def join(person: Person, item: Item, length: int) -> InLine:
    """Wait for a thing, to have it for so many days.

    Raises the broken rule about who may borrow, TooLong, FreeNow where there is nothing to wait for, InLineAlready or
    TooManyLines.
    """
    expect_may_act(person)
    if not policy.is_lent(item):
        raise errors.NotOffered
    if refusal := policy.person_rule(item, person, loan_queries.member_of(person, item)):
        raise refusal
    if length > item.longest_days:
        raise errors.TooLong(days=item.longest_days, field="days")
    first = policy.first_possible_day(item)
    if queries.expected(item, length) == first:
        raise errors.FreeNow(earliest=first)
    one_at_a_time(person.id)
    if queries.place_of(person, item):
        raise errors.InLineAlready
    if len(queries.places_of(person)) >= MOST_LINES:
        raise errors.TooManyLines(most=MOST_LINES)
    place = InLine(item_id=item.id, person_id=person.id, days=length, occupancy=None)
    db.session.add(place)
    db.session.flush()
    return place


def leave(place: InLine) -> None:
    """Wait no longer; what was kept for them goes to the next. Needs `place.occupancy`."""
    place.left_at = clock.now()
    held, place.occupancy = place.occupancy, None
    db.session.flush()
    if held is not None:
        occupancy.release(held)


def pass_on(place: InLine, item: Item) -> None:
    """Wait no longer; what was kept is offered to the next. Needs `place.occupancy`."""
    leave(place)
    if place.offered_until is not None:
        offer(item, clock.today() + timedelta(days=place.days))


def offer(item: Item, until: date) -> None:
    """Something of a thing came free up to a day: keep it for whoever is first in line and can use it then.

    Nobody is offered it twice. Who needs it longer than it is free stays in line.
    """
    latest = max(until, clock.today() + timedelta(days=1))
    for place in queries.waiting(item, lock=True):
        first = queries.expected(item, place.days)
        if first is not None and first <= latest:
            _keep(place, item, first)


def _keep(place: InLine, item: Item, first: date) -> None:
    wanted, expires_at = days(first, first + timedelta(days=place.days - 1)), clock.now() + OFFERED_FOR
    for unit in loan_queries.free_units(item, wanted):
        try:
            place.occupancy = occupancy.claim(unit.resource_id, wanted, kind=Holding.HOLD, expires_at=expires_at)
        except occupancy.Taken:
            continue
        place.offered_until = expires_at
        db.session.flush()
        notifications.tell(place.person_id, "items.your_turn", things.of("item", item), first=first.isoformat())
        return


def use_offer(person: Person, item: Item) -> occupancy.Occupancy | None:
    """What is kept for a person who now asks for it; they wait no longer. Who was not offered it stays in line."""
    place = queries.place_of(person, item)
    if place is None or place.offered_until is None:
        return None
    place.left_at = clock.now()
    held, place.occupancy = place.occupancy, None
    db.session.flush()
    return held


def run_out() -> None:
    """Take back offers that nobody took up, and make them to the next."""
    for place in queries.ran_out():
        pass_on(place, place.item)
