"""A booking's life: held, sent, moved, cancelled, answered, lapsed; and what each state no longer allows."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm.exc import StaleDataError

from marketplace.civic.accounts.models import Role
from marketplace.civic.notifications.models import Notice
from marketplace.kernel import audit, clock, db, occupancy
from marketplace.kernel.audit import AuditEntry
from marketplace.kernel.errors import Forbidden
from marketplace.kernel.occupancy import Occupancy
from marketplace.sharing.spaces import errors
from marketplace.sharing.spaces.models import Booking, BookingState, Space
from marketplace.sharing.spaces.queries import bookings as queries
from marketplace.sharing.spaces.service import bookings
from tests import factories
from tests.factories import march

DETAILS: dict[str, Any] = {"people": 5, "purpose": "A reading circle", "rules_accepted": True}
TEN_MINUTES = timedelta(minutes=10)


def held(room: Space, time=None, by=None) -> tuple:
    resident = by or factories.person()
    return resident, bookings.hold(resident, room, time or march(2, 18, 20))


def busy(room: Space, day: int = 2) -> list:
    return occupancy.busy([room.resource_id], march(day, 0, 24))[room.resource_id]


def manager_of(room: Space):
    return factories.person("Manager", roles=[(Role.MANAGER, room.building)])


def waiting_letters() -> list[str]:
    """What people are told by letter, in order."""
    told = db.session.scalars(sa.select(Notice).where(Notice.lettered_at.is_not(None)).order_by(Notice.id))
    return [notice.news.removeprefix("spaces.") for notice in told]


def recorded() -> list[str]:
    """What the audit record says, once it is written at the commit."""
    db.session.commit()
    entries = db.session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id))
    return [action for action in entries if action.startswith("spaces.")]


# --- holding ---


def test_a_time_is_kept_for_ten_minutes(monday):
    room = factories.space(before_minutes=30, after_minutes=60)

    _, booking = held(room)

    assert (booking.state, booking.held_until) == (BookingState.HELD, clock.now() + TEN_MINUTES)
    assert busy(room) == [march(2, 17.5, 21)]
    monday(clock.now() + TEN_MINUTES)
    assert busy(room) == []


def test_the_fee_is_that_of_the_length():
    room = factories.space(base_minutes=120, base_fee=10_000, extra_minutes=60, extra_fee=5_000)

    assert held(room, march(2, 18, 21))[1].fee == 15_000


def test_a_rule_refuses_before_anything_is_held():
    room = factories.space()

    with pytest.raises(errors.ClosedUntil):
        held(room, march(2, 21, 23))

    assert busy(room) == []


def test_what_someone_holds_is_taken():
    room = factories.space()
    held(room)

    with pytest.raises(errors.AlreadyTaken):
        held(room, march(2, 19, 21))
    held(room, march(2, 20, 22))


def test_half_a_hall_cannot_be_held_while_the_hall_is():
    hall = factories.space("hall")
    left, right = factories.space("left", part_of=hall), factories.space("right", part_of=hall)
    held(left)

    held(right)
    with pytest.raises(errors.AlreadyTaken):
        held(hall)


def test_who_has_not_confirmed_the_address_keeps_one_time_but_sends_nothing():
    room, newcomer = factories.space(), factories.person(confirmed=False)
    booking = bookings.hold(newcomer, room, march(2, 18, 20))

    with pytest.raises(errors.TooManyHolds):
        bookings.hold(newcomer, room, march(3, 18, 20))
    with pytest.raises(errors.ConfirmAddressFirst):
        bookings.send(newcomer, booking, **DETAILS)

    newcomer.confirmed_at = clock.now()
    bookings.send(newcomer, booking, **DETAILS)


def test_nobody_keeps_more_than_three_times_from_others(monday):
    room, resident = factories.space(), factories.person()
    first = bookings.hold(resident, room, march(2, 9, 10))
    for day in (3, 4):
        bookings.hold(resident, room, march(day, 9, 10))

    with pytest.raises(errors.TooManyHolds):
        bookings.hold(resident, room, march(5, 9, 10))
    held(room, march(5, 10, 11))  # someone else may
    bookings.send(resident, first, **DETAILS)
    bookings.hold(resident, room, march(5, 9, 10))

    monday(clock.now() + TEN_MINUTES)
    bookings.hold(resident, room, march(6, 9, 10))


def test_a_hold_may_be_left_for_others():
    room = factories.space()
    resident, booking = held(room)

    bookings.leave(resident, booking)

    assert booking.state is BookingState.LAPSED
    held(room)


# --- in one step ---


@pytest.mark.parametrize(("by_request", "state"), [(False, BookingState.CONFIRMED), (True, BookingState.REQUESTED)])
def test_one_step_books_as_hold_and_send_do(by_request, state):
    room = factories.space(by_request=by_request, before_minutes=30)

    booking = bookings.book(factories.person(), room, march(2, 18, 20), **DETAILS)

    assert (booking.state, booking.people, booking.held_until) == (state, 5, None)
    assert (booking.due_at is None) is not by_request
    assert busy(room) == [march(2, 17.5, 20)]
    assert waiting_letters() == [state.value]
    assert recorded() == [f"spaces.{state.value}"]


def test_one_step_refuses_what_hold_and_send_refuse():
    room, resident = factories.space(), factories.person()
    bookings.book(resident, room, march(2, 18, 20), **DETAILS)

    with pytest.raises(errors.AlreadyTaken):
        bookings.book(resident, room, march(2, 19, 21), **DETAILS)
    with pytest.raises(errors.ClosedUntil):
        bookings.book(resident, room, march(2, 21, 23), **DETAILS)
    with pytest.raises(errors.RulesNotAccepted):
        bookings.book(resident, room, march(3, 18, 20), **{**DETAILS, "rules_accepted": False})
    with pytest.raises(errors.ConfirmAddressFirst):
        bookings.book(factories.person(confirmed=False), room, march(3, 18, 20), **DETAILS)


# --- sending ---


def test_a_room_within_its_rules_is_confirmed_at_once():
    room = factories.space()
    resident, booking = held(room)

    bookings.send(resident, booking, **DETAILS)

    assert (booking.state, booking.people, booking.purpose) == (BookingState.CONFIRMED, 5, "A reading circle")
    assert busy(room) == [march(2, 18, 20)]
    assert waiting_letters() == ["confirmed"]
    assert recorded() == ["spaces.confirmed"]
    assert audit.verify() is None or not audit.verify()


def test_a_room_by_request_asks_everyone_who_runs_the_building():
    room = factories.space(by_request=True, answer_days=3)
    manager_of(room), manager_of(room)
    manager_of(factories.space(building=factories.building("Elsewhere")))
    resident, booking = held(room, march(10, 18, 20))

    bookings.send(resident, booking, **DETAILS)

    assert booking.state is BookingState.REQUESTED
    assert booking.due_at == clock.now() + timedelta(days=3)
    assert sorted(waiting_letters()) == ["asked", "asked", "requested"]


def test_an_answer_is_due_before_the_time_itself():
    resident, booking = held(factories.space(by_request=True))

    bookings.send(resident, booking, **DETAILS)

    assert booking.due_at == booking.starts_at


@pytest.mark.parametrize(("more", "refusal"), [
    ({"people": 21}, errors.TooManyPeople), ({"rules_accepted": False}, errors.RulesNotAccepted),
])  # fmt: skip
def test_what_is_sent_has_to_keep_the_rules(more, refusal):
    resident, booking = held(factories.space())

    with pytest.raises(refusal):
        bookings.send(resident, booking, **DETAILS | more)
    bookings.send(resident, booking, **DETAILS)


def test_nobody_sends_what_another_holds():
    _, booking = held(factories.space())

    with pytest.raises(Forbidden):
        bookings.send(factories.person(), booking, **DETAILS)


def test_what_begins_while_it_is_filled_in_is_still_theirs(monday):
    monday(march(2, 17.9, 18).starts_at)
    resident, booking = held(factories.space())
    monday(march(2, 18, 19).starts_at + timedelta(minutes=2))

    assert bookings.send(resident, booking, **DETAILS).state is BookingState.CONFIRMED


@pytest.mark.parametrize("lapsed", [False, True])
def test_after_ten_minutes_the_time_is_theirs_if_nobody_took_it(monday, lapsed):
    room = factories.space()
    resident, booking = held(room)
    monday(clock.now() + timedelta(hours=1))
    if lapsed:
        bookings.lapse()

    bookings.send(resident, queries.get_booking(booking.reference), **DETAILS)

    assert booking.state is BookingState.CONFIRMED
    assert busy(room) == [march(2, 18, 20)]


@pytest.mark.parametrize("lapsed", [False, True])
def test_after_ten_minutes_the_time_may_be_someone_elses(monday, lapsed):
    room = factories.space()
    resident, booking = held(room)
    monday(clock.now() + TEN_MINUTES)
    if lapsed:
        bookings.lapse()
    factories.booking(room, march(2, 19, 21))
    mine = queries.get_booking(booking.reference)

    with pytest.raises(errors.HoldRanOut):
        bookings.send(resident, mine, **DETAILS)

    assert busy(room) == [march(2, 19, 21)]


def test_after_ten_minutes_the_rules_of_the_moment_count(monday):
    monday(march(2, 17.5, 18).starts_at)
    resident, booking = held(factories.space())
    monday(march(2, 18, 19).starts_at + timedelta(seconds=1))

    with pytest.raises(errors.InThePast):
        bookings.send(resident, booking, **DETAILS)


def test_a_hold_is_forgotten_after_a_day(monday):
    resident, booking = held(factories.space())
    monday(clock.now() + timedelta(days=1, minutes=9))
    assert bookings.lapse() == 0
    monday(clock.now() + timedelta(minutes=1))

    assert bookings.lapse() == 1
    db.session.expire_all()
    with pytest.raises(errors.NoLongerOpen):
        bookings.send(resident, queries.get_booking(booking.reference), **DETAILS)


def test_nobody_books_the_city_out(monkeypatch, monday):
    monkeypatch.setattr(bookings, "MOST_COMING", 2)
    room, resident = factories.space(), factories.person()
    for day in (2, 3):
        factories.booking(room, march(day, 18, 20), by=resident)

    with pytest.raises(errors.TooManyBookings):
        factories.booking(room, march(4, 18, 20), by=resident)
    monday(march(2, 20, 21).starts_at)  # the first is over
    factories.booking(room, march(5, 18, 20), by=resident)


# --- moving ---


def test_a_booking_moves_in_one_step():
    room = factories.space(base_fee=10_000)
    booking = factories.booking(room, march(10, 18, 19))

    bookings.move(booking.person, booking, march(10, 18, 21), version=booking.version)

    assert (booking.interval, booking.fee, booking.changed) == (march(10, 18, 21), 30_000, 1)
    assert busy(room, 10) == [march(10, 18, 21)]
    assert waiting_letters() == ["confirmed", "moved"]
    assert recorded() == ["spaces.confirmed", "spaces.moved"]


def test_the_old_time_stays_when_the_new_one_is_taken():
    room = factories.space()
    booking = factories.booking(room, march(10, 18, 20))
    factories.booking(room, march(11, 18, 20))

    with pytest.raises(errors.AlreadyTaken):
        bookings.move(booking.person, booking, march(11, 19, 21), version=booking.version)

    assert (booking.interval, booking.changed) == (march(10, 18, 20), 0)
    assert busy(room, 10) == [march(10, 18, 20)]


def test_a_move_keeps_the_rules_of_the_room():
    booking = factories.booking(factories.space(), march(10, 18, 20))

    with pytest.raises(errors.ClosedUntil):
        bookings.move(booking.person, booking, march(10, 21, 23), version=booking.version)


def test_who_saw_an_older_version_moves_nothing():
    booking = factories.booking(factories.space(), march(10, 18, 20))
    seen = booking.version
    bookings.move(booking.person, booking, march(11, 18, 20), version=seen)

    with pytest.raises(StaleDataError):
        bookings.move(booking.person, booking, march(12, 18, 20), version=seen)


def test_a_room_by_request_has_to_agree_to_the_new_time():
    room = factories.space(by_request=True, answer_days=3)
    manager = manager_of(room)
    booking = factories.booking(room, march(10, 18, 20))
    bookings.accept(manager, booking)

    bookings.move(booking.person, booking, march(20, 18, 20), version=booking.version)

    assert (booking.state, booking.decided_by_id) == (BookingState.REQUESTED, None)
    assert booking.due_at == clock.now() + timedelta(days=3)
    assert waiting_letters().count("asked") == 2


# --- cancelling ---


def test_a_booking_is_given_back_within_the_deadline(monday):
    room = factories.space(cancel_hours=24)
    booking = factories.booking(room, march(10, 18, 20))
    monday(march(9, 18, 19).starts_at)

    bookings.cancel(booking.person, booking)

    assert (booking.state, booking.changed) == (BookingState.CANCELLED, 1)
    assert busy(room, 10) == []
    assert waiting_letters() == ["confirmed", "cancelled"]
    assert recorded() == ["spaces.confirmed", "spaces.cancelled"]


def test_after_the_deadline_it_is_neither_cancelled_nor_moved(monday):
    booking = factories.booking(factories.space(cancel_hours=24), march(10, 18, 20))
    monday(march(9, 18, 19).starts_at + timedelta(seconds=1))

    with pytest.raises(errors.TooLateToCancel):
        bookings.cancel(booking.person, booking)
    with pytest.raises(errors.TooLateToCancel):
        bookings.move(booking.person, booking, march(11, 18, 20), version=booking.version)


def test_a_request_may_be_withdrawn_until_its_time(monday):
    booking = factories.booking(factories.space(by_request=True), march(10, 18, 20))
    monday(march(10, 17.99, 19).starts_at)

    assert bookings.cancel(booking.person, booking).state is BookingState.CANCELLED


# --- answering ---


def test_a_request_is_accepted():
    room = factories.space(by_request=True)
    manager = manager_of(room)
    booking = factories.booking(room, march(10, 18, 20))

    bookings.accept(manager, booking)

    assert (booking.state, booking.decided_by_id, booking.due_at) == (BookingState.CONFIRMED, manager.id, None)
    assert waiting_letters()[-1] == "confirmed"
    assert recorded()[-1] == "spaces.accepted"


def test_a_request_is_declined_with_a_reason_only():
    room = factories.space(by_request=True)
    manager = manager_of(room)
    booking = factories.booking(room, march(10, 18, 20))

    with pytest.raises(errors.ReasonMissing):
        bookings.decline(manager, booking, "  ")
    bookings.decline(manager, booking, " The floor is wet. ")

    assert (booking.state, booking.reason) == (BookingState.DECLINED, "The floor is wet.")
    assert busy(room, 10) == []
    assert waiting_letters()[-1] == "declined"
    assert recorded()[-1] == "spaces.declined"


def test_nobody_answers_their_own_request_or_one_of_another_building():
    room = factories.space(by_request=True)
    manager = manager_of(room)
    own = factories.booking(room, march(10, 18, 20), by=manager)
    stranger = manager_of(factories.space(building=factories.building("Elsewhere")))

    for person in (manager, stranger, factories.person()):
        with pytest.raises(Forbidden):
            bookings.accept(person, own)
        with pytest.raises(Forbidden):
            bookings.decline(person, own, "No")


def test_a_request_is_not_accepted_after_its_time(monday):
    room = factories.space(by_request=True)
    manager = manager_of(room)
    booking = factories.booking(room, march(10, 18, 20))
    monday(booking.starts_at)

    with pytest.raises(errors.NoLongerOpen):
        bookings.accept(manager, booking)


def test_a_request_lapses_when_its_time_comes_unanswered(monday):
    room = factories.space(by_request=True)
    booking = factories.booking(room, march(10, 18, 20))
    monday(march(10, 18, 20).starts_at - timedelta(seconds=1))
    bookings.lapse()
    assert booking.answer_pending

    monday(march(10, 18, 20).starts_at)
    bookings.lapse()

    assert booking.state is BookingState.LAPSED
    assert busy(room, 10) == []
    assert waiting_letters()[-1] == "unanswered"


def test_lapsing_leaves_nothing_behind_that_ran_out(monday):
    room = factories.space()
    held(room)
    held(room, march(2, 9, 10))
    factories.booking(room, march(2, 11, 12))
    monday(clock.now() + TEN_MINUTES)

    bookings.lapse()
    bookings.lapse()

    assert db.session.scalar(sa.select(sa.func.count(Occupancy.id))) == 1


# --- every verb in every state ---

VERBS = {
    "send": lambda b, m: bookings.send(b.person, b, **DETAILS),
    "leave": lambda b, m: bookings.leave(b.person, b),
    "move": lambda b, m: bookings.move(b.person, b, march(11, 18, 20), version=b.version),
    "cancel": lambda b, m: bookings.cancel(b.person, b),
    "accept": lambda b, m: bookings.accept(m, b),
    "decline": lambda b, m: bookings.decline(m, b, "Reason"),
}
ALLOWED = {
    BookingState.HELD: {"send", "leave"},
    BookingState.REQUESTED: {"move", "cancel", "accept", "decline"},
    BookingState.CONFIRMED: {"move", "cancel"},
    BookingState.DECLINED: set(),
    BookingState.CANCELLED: set(),
    BookingState.LAPSED: set(),
}


def booking_in(state: BookingState, manager, room: Space) -> Booking:
    """A booking that came to a state on an ordinary way."""
    if state in (BookingState.HELD, BookingState.LAPSED):
        resident, booking = held(room, march(10, 18, 20))
        if state is BookingState.LAPSED:
            bookings.leave(resident, booking)
        return queries.get_booking(booking.reference)
    booking = factories.booking(room, march(10, 18, 20))
    if state is BookingState.CONFIRMED:
        bookings.accept(manager, booking)
    if state is BookingState.DECLINED:
        bookings.decline(manager, booking, "Reason")
    if state is BookingState.CANCELLED:
        bookings.cancel(booking.person, booking)
    return booking


@pytest.mark.parametrize("state", list(BookingState))
@pytest.mark.parametrize("verb", list(VERBS))
def test_each_verb_belongs_to_its_states(state, verb):
    room = factories.space(by_request=True)
    manager = manager_of(room)
    booking = booking_in(state, manager, room)
    assert booking.state is state

    if verb in ALLOWED[state]:
        VERBS[verb](booking, manager)
    else:
        with pytest.raises(errors.NoLongerOpen):
            VERBS[verb](booking, manager)
        assert booking.state is state


# --- lists ---


def test_a_resident_sees_what_is_coming_and_what_is_over(monday):
    room, resident = factories.space(by_request=True), factories.person()
    later = factories.booking(room, march(12, 18, 20), by=resident)
    sooner = factories.booking(room, march(10, 18, 20), by=resident)
    given_up = bookings.cancel(resident, factories.booking(room, march(11, 18, 20), by=resident))
    unsent = bookings.hold(resident, room, march(11, 9, 10))
    bookings.leave(resident, bookings.hold(resident, room, march(11, 11, 12)))
    factories.booking(room, march(10, 9, 10))

    def listed(upcoming: bool) -> list[int]:
        query = queries.bookings_of(resident, upcoming=upcoming)
        found = [booking.id for booking in db.session.scalars(query)]
        assert db.count(query) == len(found)
        return found

    assert listed(upcoming=True) == [sooner.id, unsent.id, later.id]
    assert listed(upcoming=False) == [given_up.id]
    monday(clock.now() + TEN_MINUTES)
    assert listed(upcoming=True) == [sooner.id, later.id]
    monday(march(10, 20, 21).starts_at)
    assert listed(upcoming=True) == [later.id]
    assert listed(upcoming=False) == [given_up.id, sooner.id]


def test_a_reference_is_found_in_small_letters_too():
    booking = factories.booking(factories.space(), march(10, 18, 20))

    assert queries.get_booking(booking.reference.lower()) is booking
