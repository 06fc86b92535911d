"""Kits of the fictional city: rooms of a library's building with the things that go with them, and who booked them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count
from random import Random

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db
from marketplace.kernel.intervals import Interval
from marketplace.kernel.occupancy import Kind as Holding
from marketplace.portal.demo.service import rows, words
from marketplace.portal.demo.service.holds import Holds
from marketplace.portal.demo.service.people import Crowd
from marketplace.portal.demo.service.stock import Lent
from marketplace.portal.kits import policy
from marketplace.portal.kits.models import Kit, KitBooking, KitBookingPart, KitPart
from marketplace.portal.kits.queries import kits as queries
from marketplace.portal.kits.queries import times
from marketplace.sharing.items.models.lending import Loan, LoanPiece, LoanState, days
from marketplace.sharing.items.queries.loans import free_units
from marketplace.sharing.spaces.models import Booking, BookingState, Space

LENGTH = timedelta(hours=2)
DAY = timedelta(days=1)
AHEAD = timedelta(days=30)
NAMED = (
    ("강연 꾸러미", "Talk set", "강의실에 빔프로젝터까지. 강연, 설명회, 영화 모임에 좋습니다.", ("projectors",)),
    (
        "잔치 꾸러미",
        "Party set",
        "공간에 의자와 빔프로젝터까지. 생일잔치와 동네 모임에 좋습니다.",
        ("chairs", "projectors"),
    ),
)


def make(random: Random, rooms: Sequence[Space], lent: Sequence[Lent], crowd: Crowd) -> tuple[int, int, int]:
    """Write the kits of each library's building, and some bookings; says how many kits, room bookings and loans."""
    libraries = {one.item.library_id: one.item.library for one in lent if one.item.library is not None}
    made = []
    for library in libraries.values():
        there = [room for room in _undivided(rooms) if room.building_id == library.building_id and not room.by_request]
        shelf = [one for one in lent if one.item.library_id == library.id]
        for room, (korean, english, about, wanted) in zip(_largest(there), NAMED, strict=False):
            parts = [one for one in shelf if one.item.category in wanted]
            made.append(_kit(room, _one_of_each(parts), name=korean, name_en=english, about=about))
    residents = [one for one in crowd.bookers if one.verified_at and one not in crowd.shown.values()]
    who = [crowd.shown["resident"], *random.sample(residents, min(2, len(residents)))]
    booked = [_book(random, queries.get_kit(kit), person) for kit, person in zip(made, who, strict=False)]
    return len(made), sum(n for n, _m in booked), sum(m for _n, m in booked)


def _undivided(rooms: Sequence[Space]) -> list[Space]:
    """Those that neither have parts nor are one."""
    halved = {room.part_of_id for room in rooms}
    return [room for room in rooms if room.part_of_id is None and room.id not in halved]


def _largest(rooms: Sequence[Space]) -> list[Space]:
    return sorted(rooms, key=lambda room: (-(room.capacity or 0), room.id))


def _one_of_each(parts: Sequence[Lent]) -> list[Lent]:
    return list({one.item.category: one for one in parts}.values())


def _kit(room: Space, parts: Sequence[Lent], **says: str) -> int:
    """The number of a kit of this room and all pieces of these things that go out together."""
    kit = Kit(building_id=room.building_id, published=True, **says)
    kit.parts = [
        KitPart(space_id=room.id),
        *(KitPart(item_id=one.item.id, quantity=len(one.lots[0])) for one in parts),
    ]
    db.session.add(kit)
    db.session.flush()
    return kit.id


def _book(random: Random, kit: Kit, person: Person) -> tuple[int, int]:
    """Have someone have booked it yesterday, if there is a time; says for how many rooms and things."""
    opens, closes = policy.bookable_days(kit)
    table = times.free_times(kit, opens + DAY, min(opens + AHEAD, closes - DAY), LENGTH)
    free = [slot.interval for slots in table.values() for slot in slots if slot.state == "free"]
    if not free or not policy.is_available(kit):
        return 0, 0
    time, at = random.choice(free), clock.at(clock.today() - DAY, random.randrange(9 * 60, 18 * 60))
    holds, booking_ids, loan_ids = Holds(), rows.numbers(Booking), rows.numbers(Loan)
    first, last = policy.days_of(time)
    booked = [_room(room, time, at, person, next(booking_ids), holds, random) for room in kit.rooms]
    asked = [
        Loan(
            id=(number := next(loan_ids)), reference=rows.reference(number), item_id=item.id, borrower_id=person.id,
            first_day=first, last_day=last, quantity=quantity, state=LoanState.ACCEPTED, asked_at=at, accepted_at=at,
            fee=item.fee, deposit=item.deposit, changed=1, version=1,
        )
        for item, quantity in kit.things
    ]  # fmt: skip
    pieces = [
        LoanPiece(
            loan_id=loan.id, unit_id=unit.id,
            occupancy_id=holds.hold(
                unit.resource_id, [unit.resource_id], *_ends(days(first, last)), Holding.LOAN
            ),
        )
        for loan, (item, quantity) in zip(asked, kit.things, strict=True)
        for unit in free_units(item, days(first, last))[:quantity]
    ]  # fmt: skip
    holds.flush()
    rows.write(booked)
    rows.write(asked)
    rows.write(pieces)
    number = next(rows.numbers(KitBooking))
    whole = KitBooking(
        id=number, reference=rows.reference(number), kit_id=kit.id, person_id=person.id, first_day=first,
        last_day=last, created_at=at, version=1,
    )  # fmt: skip
    rows.write([whole])
    ids = count(next(rows.numbers(KitBookingPart)))
    rows.write([KitBookingPart(id=next(ids), kit_booking_id=number, booking_id=one.id) for one in booked])
    rows.write([KitBookingPart(id=next(ids), kit_booking_id=number, loan_id=one.id) for one in asked])
    return len(booked), len(asked)


def _ends(time: Interval) -> tuple[datetime, datetime]:
    return time.starts_at, time.ends_at


def _room(
    room: Space, time: Interval, at: datetime, person: Person, number: int, holds: Holds, random: Random
) -> Booking:
    purpose = random.choice(words.names()["purposes"]["talk"])
    return Booking(
        id=number, reference=rows.reference(number), space_id=room.id, person_id=person.id,
        occupancy_id=holds.hold(
            room.resource_id, [room.resource_id], *_ends(time.widened(room.before, room.after)), Holding.BOOKING
        ),
        starts_at=time.starts_at, ends_at=time.ends_at, state=BookingState.CONFIRMED,
        people=min(12, room.capacity or 12), purpose=purpose[person.language != "ko"],
        fee=room.fee(int(LENGTH.total_seconds()) // 60), created_at=at, changed=0, version=1,
    )  # fmt: skip
