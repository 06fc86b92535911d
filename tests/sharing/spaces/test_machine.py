"""Bookings driven at random, step by step, beside a model so simple that it is surely right."""

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy.orm import selectinload

from marketplace.civic.accounts.models import Person, Role
from marketplace.kernel import clock, db, occupancy
from marketplace.kernel.intervals import Interval, merged
from marketplace.kernel.occupancy import occupied_spans
from marketplace.sharing.spaces import errors, policy
from marketplace.sharing.spaces.models import Booking, Space
from marketplace.sharing.spaces.queries import bookings as queries
from marketplace.sharing.spaces.queries import rooms
from marketplace.sharing.spaces.queries.times import free_times
from marketplace.sharing.spaces.service import bookings
from marketplace.sharing.spaces.service import rooms as running
from tests import factories
from tests.conftest import MONDAY
from tests.factories import march

HOUR = timedelta(hours=1)
FIRST, LAST = date(2027, 3, 1), date(2027, 3, 3)
ROOMS = {"hall": {"hall", "left", "right"}, "left": {"left"}, "right": {"right"}, "study": {"study"}}
"""What each room holds when it is held."""
NAMES = st.sampled_from(sorted(ROOMS))
TIMES = st.builds(lambda day, start, length: march(day, start, start + length),
                  st.integers(1, 3), st.integers(9, 20), st.integers(1, 3))  # fmt: skip
PEOPLE = st.integers(0, 2)
AGREED = ("requested", "confirmed")


@dataclass(frozen=True)
class Claim:
    """What the model knows of a booking or a closure: its room, its time, its state, until when it is held."""

    room: str
    time: Interval
    person: int = 0
    state: str = "held"
    until: datetime | None = None
    reference: str = ""

    @property
    def stands(self) -> bool:
        """Whether nobody else can have the time."""
        if self.state == "held":
            return self.until is not None and clock.now() < self.until
        return self.state in ("requested", "confirmed", "closed")

    @property
    def span(self) -> Interval:
        """What it holds: the study is prepared and cleared for half an hour, but not to be closed."""
        return self.time.widened(HOUR / 2, HOUR / 2) if self.room == "study" and self.state != "closed" else self.time


@dataclass
class City:
    """The model: claims by key; closures have negative ones."""

    claims: dict[int, Claim] = field(default_factory=dict)

    def in_the_way(self, of: Claim, instead_of: int | None = None) -> set[int]:
        """The claims that stand in the way of another."""
        others = [(key, one) for key, one in self.claims.items() if key != instead_of and one.stands]
        return {key for key, one in others if ROOMS[one.room] & ROOMS[of.room] and one.span.overlaps(of.span)}


class Bookings(RuleBasedStateMachine):
    """Residents hold, send, move and cancel; the building answers and closes; time passes."""

    held, agreed, closed = Bundle("held"), Bundle("agreed"), Bundle("closed")

    def __init__(self) -> None:
        super().__init__()
        self.city, self.now, self.undoing = City(), MONDAY, ExitStack()
        self.stop_clock()
        connection = db.session.get_bind()
        assert isinstance(connection, sa.Connection)
        self.example = connection.begin_nested()
        hall = factories.space("hall", cancel_hours=0)
        made = [
            hall,
            factories.space("left", part_of=hall, cancel_hours=0),
            factories.space("right", part_of=hall, cancel_hours=0, by_request=True),
            factories.space("study", building=hall.building, cancel_hours=0, before_minutes=30, after_minutes=30),
        ]
        self.room_ids = {room.name: room.id for room in made}
        self.resource_ids = {room.name: room.resource_id for room in made}
        self.manager_id = factories.person("Manager", roles=[(Role.MANAGER, hall.building)]).id
        self.people_ids = [factories.person(f"Resident {n}").id for n in range(3)]

    def teardown(self) -> None:
        """Undo the example."""
        db.session.remove()
        self.example.rollback()
        self.undoing.close()

    def stop_clock(self) -> None:
        """Let the city's clock show the machine's time."""
        self.undoing.enter_context(clock.frozen(self.now))

    # --- records as the next request finds them ---

    @invariant()
    def begin_anew(self) -> None:
        """Each step is a request of its own."""
        db.session.commit()
        db.session.expunge_all()

    def room(self, name: str) -> Space:
        """A room."""
        return rooms.get_space(self.room_ids[name])

    def booking(self, key: int) -> Booking:
        """A booking."""
        return queries.get_booking(self.city.claims[key].reference)

    def resident(self, number: int) -> Person:
        """One of the residents."""
        return db.session.get_one(Person, self.people_ids[number])

    @property
    def manager(self) -> Person:
        """Who runs the building."""
        return db.session.get_one(Person, self.manager_id, options=[selectinload(Person.grants)])

    def settle(self, key: int, **changes) -> None:
        """Write down what became of a claim."""
        self.city.claims[key] = replace(self.city.claims[key], **changes)

    # --- residents ---

    @rule(target=held, room=NAMES, time=TIMES, person=PEOPLE)
    def hold(self, room: str, time: Interval, person: int):
        held = [one for one in self.city.claims.values() if one.state == "held" and one.stands and one.person == person]
        resident, space = self.resident(person), self.room(room)
        if broken := policy.broken_rule(space, time):
            with pytest.raises(type(broken)):
                bookings.hold(resident, space, time)
        elif len(held) >= 3:
            with pytest.raises(errors.TooManyHolds):
                bookings.hold(resident, space, time)
        elif self.city.in_the_way(Claim(room, time)):
            with pytest.raises(errors.AlreadyTaken):
                bookings.hold(resident, space, time)
        else:
            booking = bookings.hold(resident, space, time)
            self.city.claims[booking.id] = Claim(
                room, time, person, until=clock.now() + bookings.HOLD, reference=booking.reference
            )
            return booking.id
        return multiple()

    @rule(target=agreed, key=consumes(held))
    def send(self, key: int):
        claim, booking = self.city.claims[key], self.booking(key)
        details: dict[str, Any] = {"people": 5, "purpose": "Anything", "rules_accepted": True}
        send = lambda: bookings.send(self.resident(claim.person), booking, **details)  # noqa: E731 - tried in four ways
        if claim.state != "held":
            with pytest.raises(errors.NoLongerOpen):
                send()
        elif not claim.stands and policy.broken_rule(self.room(claim.room), claim.time):
            with pytest.raises(errors.InThePast):
                send()
        elif self.city.in_the_way(claim, instead_of=key):
            with pytest.raises(errors.HoldRanOut):
                send()
        else:
            send()
            self.settle(key, state="requested" if claim.room == "right" else "confirmed")
            return key
        return multiple()

    @rule(target=agreed, room=NAMES, time=TIMES, person=PEOPLE)
    def book(self, room: str, time: Interval, person: int):
        """In one step, without a hold."""
        resident, space = self.resident(person), self.room(room)
        details: dict[str, Any] = {"people": 5, "purpose": "Anything", "rules_accepted": True}
        if broken := policy.broken_rule(space, time):
            with pytest.raises(type(broken)):
                bookings.book(resident, space, time, **details)
        elif self.city.in_the_way(Claim(room, time)):
            with pytest.raises(errors.AlreadyTaken):
                bookings.book(resident, space, time, **details)
        else:
            booking = bookings.book(resident, space, time, **details)
            state = "requested" if room == "right" else "confirmed"
            self.city.claims[booking.id] = Claim(room, time, person, state, reference=booking.reference)
            return booking.id
        return multiple()

    @rule(key=consumes(held))
    def leave(self, key: int) -> None:
        claim, booking = self.city.claims[key], self.booking(key)
        if claim.state == "held":
            bookings.leave(self.resident(claim.person), booking)
            self.settle(key, state="lapsed")

    @rule(key=agreed, time=TIMES)
    def move(self, key: int, time: Interval) -> None:
        """Lengthened, shortened or put elsewhere in time; also what "extend" means."""
        claim, booking = self.city.claims[key], self.booking(key)
        move = lambda: bookings.move(self.resident(claim.person), booking, time, version=booking.version)  # noqa: E731
        refusal = self.refusal(claim) or policy.broken_rule(self.room(claim.room), time)
        if refusal:
            with pytest.raises(type(refusal)):
                move()
        elif self.city.in_the_way(replace(claim, time=time), instead_of=key):
            with pytest.raises(errors.AlreadyTaken):
                move()
        else:
            move()
            self.settle(key, time=time, state="requested" if claim.room == "right" else "confirmed")

    @rule(key=agreed)
    def cancel(self, key: int) -> None:
        claim, booking = self.city.claims[key], self.booking(key)
        if refusal := self.refusal(claim):
            with pytest.raises(type(refusal)):
                bookings.cancel(self.resident(claim.person), booking)
        else:
            bookings.cancel(self.resident(claim.person), booking)
            self.settle(key, state="cancelled")

    def refusal(self, claim: Claim):
        """Why an agreed booking can no longer be changed."""
        if claim.state not in AGREED:
            return errors.NoLongerOpen()
        return errors.TooLateToCancel() if clock.now() > claim.time.starts_at else None

    # --- the building ---

    @rule(key=agreed, yes=st.booleans())
    def answer(self, key: int, yes: bool) -> None:
        claim, booking = self.city.claims[key], self.booking(key)
        act = bookings.accept if yes else lambda manager, found: bookings.decline(manager, found, "No")
        too_late = yes and claim.time.starts_at <= clock.now()
        if claim.state != "requested" or too_late:
            with pytest.raises(errors.NoLongerOpen):
                act(self.manager, booking)
        else:
            act(self.manager, booking)
            self.settle(key, state="confirmed" if yes else "declined")

    @rule(target=closed, room=NAMES, time=TIMES)
    def close(self, room: str, time: Interval):
        space = self.room(room)
        if time.ends_at <= clock.now():
            with pytest.raises(errors.InThePast):
                running.close(self.manager, space, time, "Water")
            return multiple()
        ahead = Interval(max(time.starts_at, clock.now()), time.ends_at)
        closing = Claim(room, ahead, state="closed")
        ways = {key: self.city.claims[key] for key in self.city.in_the_way(closing)}
        seen = {key for key, one in ways.items() if one.state in AGREED and one.time.ends_at > clock.now()}
        assert {found.id for found in queries.bookings_in_the_way(space, ahead)} == seen
        if seen:
            with pytest.raises(errors.BookingsInTheWay):
                running.close(self.manager, space, time, "Water", cancelling=list(seen)[1:])
        if ways.keys() - seen:
            with pytest.raises(errors.ClosedAlready), db.session.begin_nested():
                running.close(self.manager, space, time, "Water", cancelling=list(seen))
            return multiple()
        closure = running.close(self.manager, space, time, "Water", cancelling=list(seen))
        for key in seen:
            self.settle(key, state="cancelled")
        self.city.claims[-closure.id] = closing
        return -closure.id

    @rule(key=consumes(closed))
    def reopen(self, key: int) -> None:
        running.reopen(self.manager, queries.get_closure(-key))
        del self.city.claims[key]

    # --- time ---

    @rule(minutes=st.sampled_from([1, 9, 10, 60, 600]))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        self.stop_clock()

    @rule()
    def lapse(self) -> None:
        bookings.lapse()
        for key, claim in self.city.claims.items():
            if claim.state == "requested" and claim.time.starts_at <= clock.now():
                self.settle(key, state="lapsed")
            forgotten = claim.until is not None and claim.until <= clock.now() - bookings.FORGOTTEN
            if claim.state == "held" and forgotten:
                self.settle(key, state="lapsed")

    # --- what is always so ---

    @invariant()
    def nothing_overlaps(self) -> None:
        one, other = occupied_spans.alias(), occupied_spans.alias()
        both = sa.and_(
            one.c.resource_id == other.c.resource_id, one.c.id < other.c.id,
            one.c.starts_at < other.c.ends_at, other.c.starts_at < one.c.ends_at,
        )  # fmt: skip
        assert db.session.scalar(sa.select(sa.func.count()).select_from(one.join(other, both))) == 0

    @invariant()
    def the_database_says_what_the_model_says(self) -> None:
        rows = db.session.execute(sa.select(Booking.id, Booking.state, Booking.starts_at, Booking.ends_at))
        states = {row.id: (row.state.value, Interval(row.starts_at, row.ends_at)) for row in rows}
        assert states == {key: (one.state, one.time) for key, one in self.city.claims.items() if key > 0}
        whole = Interval(march(1, 0, 1).starts_at, march(4, 0, 24).ends_at)
        busy = occupancy.busy(list(self.resource_ids.values()), whole)
        for name, resource_id in self.resource_ids.items():
            held = [one.span for one in self.city.claims.values() if one.stands and ROOMS[one.room] & ROOMS[name]]
            assert busy[resource_id] == merged(held)

    @invariant()
    def free_times_are_those_nobody_has(self) -> None:
        for room in rooms.spaces(list(self.room_ids.values())):
            for slots in free_times(room, FIRST, LAST, HOUR).values():
                for slot in slots:
                    taken = bool(self.city.in_the_way(Claim(room.name, slot.interval)))
                    over = slot.interval.starts_at < clock.now()
                    assert slot.state == ("past" if over else "taken" if taken else "free")


def test_bookings_behave_as_the_model_does():
    run_state_machine_as_test(
        Bookings,
        settings=settings(
            max_examples=8, stateful_step_count=25, deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )  # fmt: skip
