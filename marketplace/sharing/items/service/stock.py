"""Taking stock of a library: what is there is scanned, by as many people at once as like; what was not is missing."""

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.kernel import audit, clock, db
from marketplace.kernel.access import permit
from marketplace.kernel.things import subject
from marketplace.sharing.items import errors, policy
from marketplace.sharing.items.models.libraries import StockSeen, StockTake
from marketplace.sharing.items.models.listing import Library
from marketplace.sharing.items.queries import libraries
from marketplace.sharing.items.queries import stock as queries

LONGEST_CODE = 40


def start(staff: Person, library: Library) -> StockTake:
    """Begin a count. Raises CountGoesOn if one is going on, even since this instant."""
    permit(policy.may_run, staff, library)
    take = StockTake(library_id=library.id, started_by_id=staff.id)
    try:
        with db.session.begin_nested():
            db.session.add(take)
            db.session.flush()
    except sa.exc.IntegrityError as clash:
        raise errors.CountGoesOn from clash
    audit.record(staff.id, "items.count_started", subject("library", library.id))
    return take


def see(staff: Person, library: Library, take: StockTake, code: str) -> StockSeen:
    """Note that something was scanned; scanned again, by whomever, nothing changes. Raises CountOver."""
    permit(policy.may_run, staff, library)
    _expect_going_on(take, shared=True)
    spelt = libraries.one_spelling(code)[:LONGEST_CODE]
    if (before := queries.seen_as(take, spelt)) is not None:
        return before
    unit = libraries.unit_by_code(spelt)
    seen = StockSeen(stock_take_id=take.id, code=spelt, unit_id=unit.id if unit else None, seen_by_id=staff.id)
    try:
        with db.session.begin_nested():
            db.session.add(seen)
            db.session.flush()
    except sa.exc.IntegrityError:  # someone else scanned it this instant
        seen = queries.seen_as(take, spelt) or seen
    return seen


def finish(staff: Person, library: Library, take: StockTake) -> None:
    """End a count; its report says what is missing. Raises CountOver if it is over already."""
    permit(policy.may_run, staff, library)
    _expect_going_on(take)
    take.finished_by_id, take.finished_at = staff.id, clock.now()
    db.session.flush()
    audit.record(staff.id, "items.count_finished", subject("library", library.id))


def _expect_going_on(take: StockTake, *, shared: bool = False) -> None:
    """Go on while nobody finishes it; those who scan do not wait for one another."""
    db.session.refresh(take, ["finished_at"], with_for_update={"read": shared})
    if take.finished_at is not None:
        raise errors.CountOver
