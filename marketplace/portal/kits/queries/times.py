"""The times at which everything of a kit is free."""

from datetime import date, datetime, timedelta

from marketplace.kernel import clock
from marketplace.kernel.intervals import Interval
from marketplace.portal.kits import policy
from marketplace.portal.kits.models import Kit
from marketplace.sharing.items.queries import availability
from marketplace.sharing.spaces.queries import times
from marketplace.sharing.spaces.queries.times import Slot

LOOK_AHEAD = timedelta(days=60)
WORST = ("past", "closed", "taken", "free")


def free_times(kit: Kit, first: date, last: date, length: timedelta) -> dict[date, list[Slot]]:
    """Each day's times of a length that all rooms of a kit begin at, in order; free if all of its parts are.

    A room is free by its own rules; a thing is if so many pieces of it can be lent for the whole days of that time.
    Two statements, whatever belongs to the kit.
    """
    one, *others = times.free_times_of(kit.rooms, first, last, length).values()
    elsewhere = [{slot.interval: slot.state for slots in table.values() for slot in slots} for table in others]
    days: dict[date, list[Slot]] = {}
    for day, slots in one.items():
        shared = [slot for slot in slots if all(slot.interval in states for states in elsewhere)]
        days[day] = [
            Slot(slot.interval, min(slot.state, *(states[slot.interval] for states in elsewhere), key=WORST.index))
            if elsewhere
            else slot
            for slot in shared
        ]
    stretches = {policy.days_of(slot.interval) for slots in days.values() for slot in slots if slot.state == "free"}
    lent = availability.possible(kit.things, stretches)
    return {
        day: [
            Slot(slot.interval, "taken") if slot.state == "free" and policy.days_of(slot.interval) not in lent else slot
            for slot in slots
        ]
        for day, slots in days.items()
    }


def next_time(kit: Kit, length: timedelta, after: datetime) -> Interval | None:
    """The first time of a length, not before a moment, at which everything of a kit is free; in two months at most."""
    if not policy.is_available(kit) or not policy.takes(kit, int(length.total_seconds()) // 60):
        return None
    opens, closes = policy.bookable_days(kit)
    first = max(clock.local(after).date(), opens)
    table = free_times(kit, first, min(first + LOOK_AHEAD, closes), length)
    slots = (slot for slots in table.values() for slot in slots)
    return next((slot.interval for slot in slots if slot.state == "free" and slot.interval.starts_at >= after), None)
