"""Running a room: closing it over bookings, opening it again, changing its rules."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Person, Role
from marketplace.civic.notifications.models import Notice
from marketplace.kernel import db, occupancy
from marketplace.kernel.audit import AuditEntry
from marketplace.kernel.errors import Forbidden, NotFound
from marketplace.kernel.intervals import Interval
from marketplace.sharing.spaces import errors
from marketplace.sharing.spaces.models import BookingState, Closure, Space
from marketplace.sharing.spaces.queries import bookings as queries
from marketplace.sharing.spaces.queries import rooms
from marketplace.sharing.spaces.service import bookings
from marketplace.sharing.spaces.service import rooms as running
from tests import factories
from tests.factories import march

WEEK = Interval(march(8, 0, 1).starts_at, march(14, 0, 24).ends_at)


def manager_of(room: Space, name: str = "Manager") -> Person:
    return factories.person(name, roles=[(Role.MANAGER, room.building)])


def busy(room: Space, day: int = 10) -> list[Interval]:
    return occupancy.busy([room.resource_id], march(day, 0, 24))[room.resource_id]


def last_act() -> tuple[str, str]:
    """What the audit record says last, once it is written at the commit."""
    db.session.commit()
    entry = db.session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry is not None
    return entry.action, entry.subject


# --- closing ---


def test_a_closed_room_is_not_free():
    room = factories.space()
    manager = manager_of(room)

    closure = running.close(manager, room, march(10, 12, 24), " New floor ")

    assert (closure.reason, closure.interval) == ("New floor", march(10, 12, 24))
    assert busy(room) == [march(10, 12, 24)]
    assert [one.id for one in queries.closures_of(room)] == [closure.id]
    with pytest.raises(errors.AlreadyTaken):
        factories.booking(room, march(10, 18, 20))
    assert last_act() == ("spaces.closed", f"space:{room.id}")


def test_bookings_in_the_way_are_shown_first_then_cancelled_and_told():
    room = factories.space()
    manager = manager_of(room)
    first, second = (factories.booking(room, march(day, 18, 20)) for day in (10, 12))
    factories.booking(room, march(15, 18, 20))

    with pytest.raises(errors.BookingsInTheWay) as refusal:
        running.close(manager, room, WEEK, "New floor", cancelling=[first.id])
    assert refusal.value.details["count"] == 1
    assert [found.id for found in queries.bookings_in_the_way(room, WEEK)] == [first.id, second.id]

    running.close(manager, room, WEEK, "New floor", cancelling=[first.id, second.id])

    assert {(one.state, one.reason, one.decided_by_id) for one in (first, second)} == {
        (BookingState.CANCELLED, "New floor", manager.id)
    }
    assert busy(room) == [march(10, 0, 24)]
    told = db.session.scalars(sa.select(Notice.subject).where(Notice.news == "spaces.closed").order_by(Notice.id)).all()
    assert told == [f"booking:{first.id}", f"booking:{second.id}"]


def test_what_was_booked_since_the_manager_looked_is_not_cancelled_unseen():
    room = factories.space()
    manager = manager_of(room)
    seen = factories.booking(room, march(10, 18, 20))
    new = factories.booking(room, march(11, 18, 20))

    with pytest.raises(errors.BookingsInTheWay):
        running.close(manager, room, WEEK, "New floor", cancelling=[seen.id])

    assert (seen.state, new.state) == (BookingState.CONFIRMED, BookingState.CONFIRMED)


def test_closing_the_hall_closes_its_halves_and_a_half_the_hall():
    hall = factories.space("hall")
    left, right = factories.space("left", part_of=hall), factories.space("right", part_of=hall)
    manager = manager_of(hall)
    in_left, in_hall = factories.booking(left, march(10, 18, 20)), factories.booking(hall, march(11, 18, 20))

    assert [one.id for one in queries.bookings_in_the_way(hall, WEEK)] == [in_left.id, in_hall.id]
    assert [one.id for one in queries.bookings_in_the_way(right, WEEK)] == [in_hall.id]
    running.close(manager, left, WEEK, "Painting", cancelling=[in_left.id, in_hall.id])

    assert busy(left, 11) == busy(hall, 11) == [march(11, 0, 24)]
    assert busy(right, 11) == []


def test_a_closure_begins_now_at_the_earliest_and_spares_what_is_over(monday):
    room = factories.space()
    manager = manager_of(room)
    over, running_now = factories.booking(room, march(10, 10, 12)), factories.booking(room, march(10, 14, 16))
    monday(march(10, 15, 16).starts_at)

    assert [one.id for one in queries.bookings_in_the_way(room, march(10, 9, 18))] == [running_now.id]
    closure = running.close(manager, room, march(10, 9, 18), "Water", cancelling=[running_now.id])

    assert over.state is BookingState.CONFIRMED
    assert closure.interval == march(10, 15, 18)


def test_what_is_over_is_not_closed(monday):
    room = factories.space()
    monday(march(10, 18, 19).starts_at)

    with pytest.raises(errors.InThePast):
        running.close(manager_of(room), room, march(10, 9, 18), "Water")


def test_what_cannot_be_given_up_stops_a_closure():
    room = factories.space()
    manager = manager_of(room)
    bookings.hold(factories.person(), room, march(10, 18, 20))
    running.close(manager, room, march(12, 9, 18), "Water")

    for day in (10, 12):
        with pytest.raises(errors.ClosedAlready):
            running.close(manager, room, march(day, 9, 22), "Water")
    with pytest.raises(errors.ReasonMissing):
        running.close(manager, room, march(13, 9, 22), "  ")


def test_only_who_runs_the_building_closes_opens_and_changes():
    room = factories.space()
    closure = running.close(manager_of(room), room, march(10, 9, 18), "Water")
    stranger = manager_of(factories.space(building=factories.building("Elsewhere")))

    for person in (stranger, factories.person()):
        with pytest.raises(Forbidden):
            running.close(person, room, march(11, 9, 18), "Water")
        with pytest.raises(Forbidden):
            running.reopen(person, queries.get_closure(closure.id))
        with pytest.raises(Forbidden):
            running.save_rules(person, room, version=room.version, min_minutes=30)
    running.reopen(factories.person(roles=[Role.ADMINISTRATOR]), queries.get_closure(closure.id))


def test_a_room_opened_again_is_free():
    room = factories.space()
    manager = manager_of(room)
    closure = running.close(manager, room, march(10, 9, 18), "Water")

    running.reopen(manager, queries.get_closure(closure.id))

    assert busy(room) == []
    assert db.session.scalar(sa.select(sa.func.count(Closure.id))) == 0
    with pytest.raises(NotFound):
        queries.get_closure(closure.id)
    assert last_act() == ("spaces.reopened", f"space:{room.id}")


# --- rules ---


def test_rules_are_changed_for_bookings_to_come():
    room = factories.space(max_minutes=240)
    manager = manager_of(room)
    booking = factories.booking(room, march(10, 18, 22))
    version = room.version

    running.save_rules(manager, room, version=version, max_minutes=120, min_minutes=60)

    assert (room.max_minutes, room.version) == (120, version + 1)
    assert booking.state is BookingState.CONFIRMED
    assert last_act() == ("spaces.rules_changed", f"space:{room.id}")
    with pytest.raises(errors.TooLong):
        factories.booking(room, march(11, 18, 22))


def test_rules_that_stay_as_they_are_are_no_change():
    room = factories.space()
    version = room.version

    running.save_rules(manager_of(room), room, version=version, max_minutes=room.max_minutes)

    assert room.version == version


def test_who_saw_older_rules_changes_nothing():
    room = factories.space()
    manager = manager_of(room)
    seen = room.version
    running.save_rules(manager, room, version=seen, max_minutes=120)

    with pytest.raises(errors.ChangedMeanwhile):
        running.save_rules(manager, room, version=seen, max_minutes=180)


def test_a_room_taken_out_of_booking_is_held_by_nobody_new():
    room = factories.space()
    running.save_rules(manager_of(room), room, version=room.version, open=False)

    with pytest.raises(errors.NotOffered):
        factories.booking(room, march(10, 18, 20))


# --- the desk ---


def test_a_manager_sees_requests_by_their_date_and_what_is_coming_by_its_time(monday):
    room = factories.space(by_request=True)
    manager = manager_of(room)
    later, sooner = factories.booking(room, march(12, 18, 20)), factories.booking(room, march(2, 18, 20))
    confirmed = factories.booking(room, march(10, 18, 20))
    bookings.accept(manager, confirmed)
    bookings.hold(factories.person(), room, march(11, 18, 20))
    factories.booking(factories.space(building=factories.building("Elsewhere"), by_request=True), march(3, 18, 20))

    def listed(person: Person, requests: bool) -> list[int]:
        query = queries.bookings_at(rooms.managed_building_ids(person), requests=requests)
        return [booking.id for booking in db.session.scalars(query)]

    assert listed(manager, requests=True) == [sooner.id, later.id]
    assert listed(manager, requests=False) == [sooner.id, confirmed.id, later.id]
    assert listed(factories.person(), requests=False) == []
    assert len(listed(factories.person(roles=[Role.ADMINISTRATOR]), requests=False)) == 4
    monday(march(10, 20, 21).starts_at + timedelta(seconds=1))
    assert listed(manager, requests=False) == [later.id]


def test_a_manager_sees_the_rooms_of_the_building_offered_or_not():
    library = factories.building()
    own = [factories.space(name, building=library, open=name == "A") for name in ("A", "B")]
    factories.space(building=factories.building("Elsewhere"))

    found = db.session.scalars(rooms.managed_spaces(manager_of(own[0]))).all()

    assert [room.id for room in found] == [room.id for room in own]
    assert db.count(rooms.managed_spaces(factories.person(roles=[Role.ADMINISTRATOR]))) == 3
    assert [room.id for room in rooms.spaces_of(library)] == [own[0].id]
