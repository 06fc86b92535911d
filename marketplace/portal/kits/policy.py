"""Who may do what with kits, what a kit lacks to be booked, and how long it may be booked. No queries."""

from datetime import date, timedelta

from marketplace.civic.accounts.models import Person, Role
from marketplace.kernel import clock
from marketplace.kernel.errors import DomainError
from marketplace.kernel.intervals import Interval
from marketplace.portal.kits.models import Kit, KitBooking, KitPart
from marketplace.sharing.items import errors as item_errors
from marketplace.sharing.items import policy as item_policy
from marketplace.sharing.items.models.lending import LoanState
from marketplace.sharing.spaces import errors as space_errors
from marketplace.sharing.spaces import policy as space_policy
from marketplace.sharing.spaces.models import AGREED

INSTANT = timedelta(microseconds=1)

# --- kits ---


def may_run(person: Person | None, building_id: int) -> bool:
    """Managers of the building, who run its rooms and its libraries, and administrators."""
    return person is not None and (person.manages(building_id) or person.is_a(Role.ADMINISTRATOR))


def may_manage(person: Person | None, kit: Kit) -> bool:
    """Those who may run kits in its building."""
    return may_run(person, kit.building_id)


def may_find(person: Person | None, kit: Kit) -> bool:
    """Everyone finds a kit that is offered; one that is not, only those who manage it."""
    return is_offered(kit) or may_manage(person, kit)


def office(person: Person, building_id: int) -> dict[str, object]:
    """In which role someone reads about whoever booked a kit."""
    if person.manages(building_id):
        return {"role": Role.MANAGER, "building_id": building_id}
    return {"role": Role.ADMINISTRATOR}


def is_offered(kit: Kit) -> bool:
    """Whether the building offers it, and moderators did not hide it."""
    return kit.published and kit.hidden_at is None


def lack(part: KitPart) -> DomainError | None:
    """Why a part cannot be had at present, whatever the day; needs `item.units` and `item.library`."""
    if part.space is not None:
        return None if part.space.offered else space_errors.NotOffered()
    if part.item is None or not item_policy.is_lent(part.item):
        return item_errors.NotOffered()
    ready = len(part.item.ready_units)
    return item_errors.TooMany(most=ready) if part.quantity > ready else None


def lacks(kit: Kit) -> list[tuple[KitPart, DomainError]]:
    """The parts that cannot be had at present, each with the reason."""
    return [(part, reason) for part in kit.parts if (reason := lack(part))]


def is_together(kit: Kit) -> bool:
    """Whether there is something to book together: a room, and one more part."""
    return bool(kit.rooms) and len(kit.parts) > 1


def is_available(kit: Kit) -> bool:
    """Whether it may be booked at all at present."""
    return is_offered(kit) and is_together(kit) and not lacks(kit)


def barred(person: Person, kit: Kit, member_of: set[int]) -> tuple[str, DomainError] | None:
    """The first thing that this person may not borrow, and why."""
    rules = ((item.title, item_policy.person_rule(item, person, member_of)) for item, _quantity in kit.things)
    return next(((title, rule) for title, rule in rules if rule), None)


def lengths(kit: Kit) -> list[int]:
    """The lengths, in minutes, that a booking of all its rooms may have."""
    shared = [set(room.lengths) for room in kit.rooms]
    common = sorted(set.intersection(*shared)) if shared else []
    return common or sorted(minutes for minutes in set().union(*shared) if takes(kit, minutes))


def takes(kit: Kit, minutes: int) -> bool:
    """Whether all its rooms are booked for so long."""
    return all(room.min_minutes <= minutes <= room.max_minutes for room in kit.rooms)


def capacity(kit: Kit) -> int | None:
    """How many people its smallest room holds, where that is known."""
    return min((room.capacity for room in kit.rooms if room.capacity is not None), default=None)


def bookable_days(kit: Kit) -> tuple[date, date]:
    """The first and the last day for which all its rooms may be booked today."""
    days = [space_policy.bookable_days(room) for room in kit.rooms]
    return max(first for first, _last in days), min(last for _first, last in days)


def days_of(interval: Interval) -> tuple[date, date]:
    """The first and the last day of a time in rooms: those for which things are lent with them."""
    return clock.local(interval.starts_at).date(), clock.local(interval.ends_at - INSTANT).date()


# --- bookings of kits ---


def is_own(person: Person | None, found: KitBooking) -> bool:
    """Whoever booked it."""
    return person is not None and found.person_id == person.id


def may_see(person: Person | None, found: KitBooking) -> bool:
    """Whoever booked it, and those who manage the kit; needs `kit`."""
    return is_own(person, found) or may_manage(person, found.kit)


def may_still_cancel(found: KitBooking) -> bool:
    """Whether all that is not handed over may still be given up, by each part's own rules; something must be left."""
    rooms = [one for one in found.bookings if one.state in AGREED and one.ends_at > clock.now()]
    return (
        found.ended_at is None
        and bool(rooms)
        and all(space_policy.may_still_cancel(one) for one in rooms)
        and all(
            item_policy.may_still_cancel(one, borrower=True) for one in found.loans if one.state is LoanState.ACCEPTED
        )
    )
