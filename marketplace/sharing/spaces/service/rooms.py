"""Running a room: closures, and the rules under which it is offered."""

from collections.abc import Sequence
from typing import Any

from marketplace.civic.accounts.models import Person
from marketplace.kernel import audit, clock, db, occupancy
from marketplace.kernel.access import permit
from marketplace.kernel.intervals import Interval
from marketplace.kernel.occupancy import Kind as Holding
from marketplace.sharing.spaces import errors, policy
from marketplace.sharing.spaces.models import Closure, Space
from marketplace.sharing.spaces.queries.bookings import bookings_in_the_way
from marketplace.sharing.spaces.service import bookings


def close(manager: Person, space: Space, interval: Interval, reason: str, *, cancelling: Sequence[int] = ()) -> Closure:
    """Close a room for a time, from now at the earliest. Bookings in the way are cancelled and their people told.

    cancelling   ids of the bookings that the manager has seen and gives up.
    Raises BookingsInTheWay while a booking that was not named falls into the time; ClosedAlready if the room is closed
    then already, or someone is filling in a booking this minute.
    """
    permit(policy.may_manage, manager, space)
    if interval.ends_at <= clock.now():
        raise errors.InThePast(field="to_date")
    interval = Interval(max(interval.starts_at, clock.now()), interval.ends_at)
    if not reason.strip():
        raise errors.ReasonMissing(field="reason")
    affected = bookings_in_the_way(space, interval)
    if unseen := [booking for booking in affected if booking.id not in set(cancelling)]:
        raise errors.BookingsInTheWay(count=len(unseen))
    for booking in affected:
        bookings.give_up(manager, booking, reason.strip())
    try:
        held = occupancy.claim(space.resource_id, interval, kind=Holding.CLOSURE)
    except occupancy.Taken as clash:
        raise errors.ClosedAlready from clash
    closure = Closure(
        space_id=space.id,
        occupancy=held,
        starts_at=interval.starts_at,
        ends_at=interval.ends_at,
        reason=reason.strip(),
        made_by_id=manager.id,
    )
    db.session.add(closure)
    db.session.flush()
    audit.record(manager.id, "spaces.closed", f"space:{space.id}", closure=closure.id)
    return closure


def reopen(manager: Person, closure: Closure) -> None:
    """Take a closure back."""
    permit(policy.may_manage, manager, closure.space)
    audit.record(manager.id, "spaces.reopened", f"space:{closure.space_id}", closure=closure.id)
    held = closure.occupancy
    db.session.delete(closure)
    db.session.flush()
    if held is not None:
        occupancy.release(held)


def save_rules(manager: Person, space: Space, *, version: int, **rules: Any) -> Space:
    """Change how a room is offered. Raises ChangedMeanwhile if someone else saved it since it was shown."""
    permit(policy.may_manage, manager, space)
    if space.version != version:
        raise errors.ChangedMeanwhile
    changed = {name: value for name, value in rules.items() if getattr(space, name) != value}
    for name, value in changed.items():
        setattr(space, name, value)
    if changed:
        db.session.flush()
        audit.record(manager.id, "spaces.rules_changed", f"space:{space.id}", fields=sorted(changed))
    return space


def keep_out_of_sight(space: Space, hidden: bool) -> None:
    """Take a room off the search, or show it again, because moderators say so; what is booked stays booked."""
    space.hidden_at = (space.hidden_at or clock.now()) if hidden else None
    db.session.flush()
