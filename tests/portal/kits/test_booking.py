"""A kit is booked as a whole or not at all, each part by its own rules, and given up as a whole."""

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Role
from marketplace.civic.notifications.models import Notice
from marketplace.kernel import db, jobs, occupancy
from marketplace.kernel.errors import Forbidden
from marketplace.kernel.intervals import Interval
from marketplace.kernel.occupancy import Occupancy
from marketplace.portal.kits import errors
from marketplace.portal.kits.models import KitBooking, KitState
from marketplace.portal.kits.queries import bookings as queries
from marketplace.portal.kits.queries import kits
from marketplace.portal.kits.service import booking
from marketplace.sharing.items.models.lending import Loan, LoanState, Way
from marketplace.sharing.items.models.listing import Condition
from marketplace.sharing.items.queries import loans as loan_queries
from marketplace.sharing.items.service import handing, loans
from marketplace.sharing.spaces.models import Booking, BookingState
from marketplace.sharing.spaces.queries import bookings as room_queries
from marketplace.sharing.spaces.service import bookings as rooms
from marketplace.sharing.spaces.service import rooms as running
from tests.factories import booking as room_booked
from tests.factories import item as made_item
from tests.factories import kit, library, march, neighbour, party, person, space
from tests.factories import loan as lent

pytestmark = pytest.mark.usefixtures("app")
TOLD: dict[str, Any] = {"people": 20, "purpose": "A birthday", "rules_accepted": True}


def booked(of, time: Interval | None = None, *, by=None, **told):
    """A kit that a neighbour booked, for an evening in March if nothing is said."""
    made = booking.book(by or neighbour(), kits.get_kit(of.id), time or march(10, 18, 20), **(TOLD | told))
    db.session.commit()
    return anew(made)


def anew(made: KitBooking) -> KitBooking:
    """The same, as the database has it now."""
    query = queries.whole(sa.select(KitBooking).where(KitBooking.id == made.id))
    return db.session.scalars(query.execution_options(populate_existing=True)).one()


def counted() -> tuple[int, int, int, int]:
    """How many bookings of kits, bookings, loans and claims there are."""
    return tuple(db.count(sa.select(table.id)) for table in (KitBooking, Booking, Loan, Occupancy))  # type: ignore[return-value]


def news(of) -> list[str]:
    return list(db.session.scalars(sa.select(Notice.news).where(Notice.person_id == of.id).order_by(Notice.id)))


def manager_of(of):
    return person("Manager", roles=[(Role.MANAGER, of.building)])


# --- all or nothing ---


def test_every_part_is_booked_and_borrowed_for_the_day():
    made = booked(party(), message="For my mother.")

    (hall,), (projector, chairs) = made.bookings, made.loans
    assert (hall.interval, hall.state, hall.people, hall.purpose) == (
        march(10, 18, 20), BookingState.CONFIRMED, 20, "A birthday",
    )  # fmt: skip
    assert (projector.quantity, chairs.quantity, len(chairs.pieces)) == (1, 30, 30)
    for one in made.loans:
        assert (one.state, one.first_day, one.last_day) == (LoanState.ACCEPTED, date(2027, 3, 10), date(2027, 3, 10))
        assert one.message == "For my mother."
    assert made.state is KitState.CONFIRMED


def test_a_time_over_midnight_borrows_for_both_days():
    house = party().building
    late = space("Cellar", building=house, hours={day: [(0, 24)] for day in range(8)})
    lamp = made_item("Lamp", of=library(house))

    made = booked(kit(late, things={lamp: 1}), march(10, 22, 26))

    (one,) = made.loans
    assert (one.first_day, one.last_day) == (date(2027, 3, 10), date(2027, 3, 11))


def test_one_thing_taken_refuses_everything_and_says_which_and_when_the_whole_is_free():
    of = party()
    projector = of.things[0][0]
    loans.accept(manager_of(of), lent(projector, 10, 11))
    before = counted()

    with pytest.raises(errors.PartRefusedUntil, match="next") as refused:
        booked(of)

    assert str(refused.value.sentence) == (
        "Projector: It is promised to someone else on one of these days. For as many days, it is free from "
        "Fri 12 March. Nothing was booked. The whole kit is free next on Fri 12 March, 09:00 to 11:00."
    )
    assert refused.value.details["cause"] == "promised_until"
    assert counted() == before


def test_a_room_taken_refuses_everything():
    of = party()
    room_booked(of.rooms[0], march(10, 19, 22))
    before = counted()

    with pytest.raises(errors.PartRefusedUntil) as refused:
        booked(of)

    assert refused.value.details["part"] == "Hall"
    assert refused.value.details["next"] == march(11, 9, 11)
    assert counted() == before


@pytest.mark.parametrize(
    ("told", "part", "cause"),
    [({"people": 60}, "Hall", "too_many_people"), ({"by": "unverified"}, "Projector", "not_verified")],
)
def test_the_own_rules_of_every_part_hold_and_no_other_time_is_offered(told, part, cause):
    of = party()
    before = counted()
    told = told | ({"by": person()} if "by" in told else {})

    with pytest.raises(errors.PartRefused) as refused:
        booked(of, **told)

    assert type(refused.value) is errors.PartRefused
    assert (refused.value.details["part"], refused.value.details["cause"]) == (part, cause)
    assert counted() == before


def test_nobody_books_without_accepting_the_rules_or_what_is_not_offered():
    of = party()
    with pytest.raises(errors.RulesNotAccepted):
        booked(of, rules_accepted=False)
    with pytest.raises(Forbidden):
        booked(of, by=person(confirmed=False))
    of.things[0][0].paused_at = of.things[0][0].listed_at
    db.session.commit()
    with pytest.raises(errors.NotAvailable):
        booked(of)


# --- what becomes of it ---


def test_where_the_building_answers_the_things_are_kept_until_it_does():
    of = party(by_request=True)
    made = booked(of)

    assert made.state is KitState.REQUESTED
    assert {one.state for one in made.loans} == {LoanState.ACCEPTED}

    rooms.accept(manager_of(of), room_queries.get_booking(made.bookings[0].reference))
    assert anew(made).state is KitState.CONFIRMED


def test_declining_the_room_ends_the_loans_and_both_sides_are_told():
    of = party(by_request=True)
    manager, resident = manager_of(of), neighbour()
    made = booked(of, by=resident)

    rooms.decline(manager, room_queries.get_booking(made.bookings[0].reference), "The floor is wet.")
    db.session.commit()
    jobs.run_pending()

    made = anew(made)
    assert made.state is KitState.ENDED
    assert {one.state for one in made.loans} == {LoanState.CANCELLED}
    assert db.count(sa.select(Occupancy.id)) == 0
    assert "kits.ended" in news(resident)
    assert "kits.ended_here" in news(manager)


def test_what_is_handed_over_stays_on_loan_when_the_room_is_given_up():
    of = party()
    manager, resident = manager_of(of), neighbour()
    made = booked(of, march(1, 18, 20), by=resident)
    projector = made.loans[0]
    _handover, code = handing.offer(manager, projector, Way.OUT, condition=Condition.GOOD)
    handing.take(resident, projector, Way.OUT, code)
    running.close(manager, made.bookings[0].space, march(1, 12, 22), "Water", cancelling=[made.bookings[0].id])
    db.session.commit()
    jobs.run_pending()

    assert [one.state for one in anew(made).loans] == [LoanState.OUT, LoanState.CANCELLED]


def test_of_several_rooms_one_given_up_ends_the_others():
    of = party()
    made = booked(kit(of.rooms[0], space("Kitchen", building=of.building), name="Feast"))

    rooms.cancel(made.person, room_queries.get_booking(made.bookings[1].reference))
    db.session.commit()
    jobs.run_pending()

    assert {one.state for one in anew(made).bookings} == {BookingState.CANCELLED}
    assert db.count(sa.select(Occupancy.id)) == 0


def test_a_thing_given_up_on_its_own_is_told_and_the_rest_stays():
    of = party()
    manager, resident = manager_of(of), neighbour()
    made = booked(of, by=resident)

    loans.cancel(manager, loan_queries.get_loan(made.loans[0].reference), "It broke.")
    db.session.commit()

    made = anew(made)
    assert made.state is KitState.BROKEN
    assert made.bookings[0].state is BookingState.CONFIRMED
    assert "kits.part_gone" in news(resident)
    assert "kits.part_gone_here" in news(manager)
    title = db.session.scalar(sa.select(Notice.title).where(Notice.news == "kits.part_gone"))
    assert title == "Your kit Party set, Wed 10 March, is now without: Projector"


def test_the_whole_is_cancelled_and_everything_is_free_again():
    resident = neighbour()
    made = booked(party(), by=resident)

    booking.cancel(resident, made, "We are ill.")
    db.session.commit()

    made = anew(made)
    assert made.state is KitState.ENDED
    assert {one.state for one in made.bookings} == {BookingState.CANCELLED}
    assert {(one.state, one.reason) for one in made.loans} == {(LoanState.CANCELLED, "We are ill.")}
    assert db.count(sa.select(Occupancy.id)) == 0
    assert "kits.ended" not in news(resident)
    with pytest.raises(errors.NoLongerOpen):
        booking.cancel(resident, made, "Again.")


def test_the_room_s_deadline_keeps_the_whole(monday):
    resident = neighbour()
    made = booked(party(), by=resident)
    monday(march(10, 18, 20).starts_at - timedelta(hours=2))

    with pytest.raises(errors.PartKept, match="part") as refused, db.session.begin_nested():
        booking.cancel(resident, made, "We are ill.")

    assert refused.value.details["part"] == "Hall"
    assert {one.state for one in anew(made).loans} == {LoanState.ACCEPTED}


def test_nobody_else_cancels_it():
    made = booked(party())
    for other in (neighbour(), manager_of(made.kit)):
        with pytest.raises(Forbidden):
            booking.cancel(other, made, "No.")


def test_a_room_of_a_kit_moves_within_its_day_only():
    made = booked(party())
    (hall,) = made.bookings
    held = room_queries.get_booking(hall.reference)

    with pytest.raises(errors.OtherDays), db.session.begin_nested():
        rooms.move(made.person, held, march(11, 18, 20), version=held.version)
    made = anew(made)
    (held,) = made.bookings
    rooms.move(made.person, held, march(10, 12, 14), version=held.version)

    assert anew(made).interval == march(10, 12, 14)


def test_leaving_gives_up_the_room_and_with_it_the_kit():
    made = booked(party())
    rooms.withdraw(made.person, room_queries.get_booking(made.bookings[0].reference))
    db.session.commit()
    jobs.run_pending()

    assert anew(made).state is KitState.ENDED
    assert occupancy.sweep() == 0
