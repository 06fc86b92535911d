from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test
from sqlalchemy.exc import DBAPIError, IntegrityError

from marketplace.kernel import clock, db, occupancy
from marketplace.kernel.intervals import Interval, merged, subtract
from marketplace.kernel.occupancy import OVERLAP, Claim, Expired, Kind, Occupancy, Resource, Taken, occupied_spans

DAY = datetime(2027, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def between(start: float, end: float) -> Interval:
    """Hours of the first of March, or after it."""
    return Interval(DAY + start * HOUR, DAY + end * HOUR)


def book(resource: Resource, start: float, end: float) -> Occupancy:
    return occupancy.claim(resource.id, between(start, end), kind=Kind.BOOKING)


def hold(resource: Resource, start: float, end: float, minutes: int = 10) -> Occupancy:
    expires_at = clock.now() + timedelta(minutes=minutes)
    return occupancy.claim(resource.id, between(start, end), kind=Kind.HOLD, expires_at=expires_at)


def busy(resource: Resource, start: float = 0, end: float = 48) -> list[Interval]:
    return occupancy.busy([resource.id], between(start, end))[resource.id]


def count(query: sa.Select) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0


@pytest.fixture
def room() -> Resource:
    return occupancy.add_resource()


@pytest.fixture
def hall() -> Resource:
    return occupancy.add_resource()


@pytest.fixture
def halves(hall) -> tuple[Resource, Resource]:
    return occupancy.add_resource(hall), occupancy.add_resource(hall)


def test_claims_may_touch_but_not_overlap(room):
    book(room, 10, 12)
    book(room, 12, 14)
    book(room, 8, 10)

    for start, end in ((11, 13), (10, 12), (9, 15), (10.5, 11), (13.99, 20), (0, 8.01)):
        with pytest.raises(Taken) as refusal:
            book(room, start, end)
        assert (refusal.value.resource_id, refusal.value.interval) == (room.id, between(start, end))
    assert busy(room) == [between(8, 14)]


def test_a_refused_claim_leaves_the_transaction_usable(room):
    book(room, 10, 12)
    with pytest.raises(Taken):
        book(room, 11, 13)

    book(room, 14, 15)

    assert busy(room) == [between(10, 12), between(14, 15)]


def test_resources_do_not_disturb_each_other(room, hall):
    book(room, 10, 12)
    book(hall, 10, 12)


def test_a_claim_on_nothing_is_an_error():
    with pytest.raises(LookupError):
        occupancy.claim(999_999, between(1, 2), kind=Kind.LOAN)


def test_buffers_are_held_too(room):
    occupancy.claim(room.id, between(10, 12), kind=Kind.BOOKING, before=HOUR / 2, after=HOUR)

    assert busy(room) == [between(9.5, 13)]
    with pytest.raises(Taken):
        book(room, 12.5, 14)
    book(room, 13, 14)


def test_fractions_of_a_second_do_not_make_neighbours_clash(room):
    split = DAY + 10 * HOUR + timedelta(microseconds=700_000)
    occupancy.claim(room.id, Interval(DAY, split), kind=Kind.BOOKING)
    occupancy.claim(room.id, Interval(split, DAY + 20 * HOUR), kind=Kind.BOOKING)

    assert busy(room) == [between(0, 20)]


def test_holding_a_hall_holds_its_halves(hall, halves):
    book(hall, 10, 12)

    for half in halves:
        assert busy(half) == [between(10, 12)]
        with pytest.raises(Taken):
            book(half, 11, 13)


def test_holding_a_half_holds_the_hall_but_not_the_other_half(hall, halves):
    left, right = halves
    book(left, 10, 12)
    book(right, 11, 13)

    assert busy(hall) == [between(10, 13)]
    assert busy(left) == [between(10, 12)]
    with pytest.raises(Taken):
        book(hall, 12, 14)
    book(hall, 13, 14)


def test_a_part_of_a_part_is_held_with_the_whole(hall, halves):
    corner = occupancy.add_resource(halves[0])
    book(corner, 10, 11)

    assert busy(hall) == busy(halves[0]) == [between(10, 11)]
    assert busy(halves[1]) == []
    with pytest.raises(Taken):
        book(hall, 10, 11)


def test_a_part_added_later_is_held_by_the_claims_on_the_whole(hall, halves):
    book(hall, 10, 12)
    book(halves[0], 14, 15)
    book(halves[1], 16, 17)

    corner = occupancy.add_resource(halves[0])

    assert busy(corner) == [between(10, 12), between(14, 15)]
    with pytest.raises(Taken):
        book(corner, 11, 13)


def test_a_claim_of_many_days_is_seen_from_every_one_of_them(room):
    closure = occupancy.claim(room.id, between(5, 24 * 40 + 7), kind=Kind.CLOSURE)

    for day in range(41):
        start = max(day * 24, 5)
        end = min(start + 2, 24 * 40 + 7)
        assert busy(room, start, end) == [between(start, end)]
    assert busy(room, 0, 24 * 60) == [closure.interval]
    assert busy(room, 0, 5) == busy(room, 24 * 40 + 7, 24 * 60) == []


def test_all_claims_of_a_series_are_made_or_none(room, hall, halves):
    book(halves[0], 10, 12)
    series = [
        Claim(room.id, between(9, 11), Kind.BOOKING),
        Claim(halves[1].id, between(9, 11), Kind.BOOKING),
        Claim(hall.id, between(11, 13), Kind.BOOKING),
        Claim(room.id, between(20, 21), Kind.BOOKING),
    ]

    with pytest.raises(Taken) as refusal:
        occupancy.claim_all(series)

    assert (refusal.value.resource_id, refusal.value.interval) == (hall.id, between(11, 13))
    assert busy(room) == busy(halves[1]) == []
    made = occupancy.claim_all([*series[:2], series[3]])
    assert [one.interval for one in made] == [between(9, 11), between(9, 11), between(20, 21)]


def test_claims_of_one_series_may_not_overlap_each_other(hall, halves):
    with pytest.raises(Taken) as refusal:
        occupancy.claim_all([Claim(halves[0].id, between(1, 3), Kind.LOAN), Claim(hall.id, between(2, 4), Kind.LOAN)])

    assert refusal.value.resource_id == hall.id
    assert busy(hall) == []


def test_nothing_claimed_is_nothing_held():
    assert occupancy.claim_all([]) == []


def test_what_is_released_is_free_again(hall, halves):
    booking = book(hall, 10, 12)

    occupancy.release(booking)
    occupancy.release(booking)

    assert busy(hall) == busy(halves[0]) == []
    assert count(sa.select(occupied_spans)) == 0
    book(halves[0], 10, 12)


def test_a_claim_moves_even_onto_time_it_held_itself(room):
    booking = book(room, 10, 12)

    for start, end in ((11, 13), (10, 14), (11, 12), (20, 90), (20, 21)):
        occupancy.extend(booking, between(start, end))
        assert busy(room, 0, 96) == [between(start, end)] == [booking.interval]


def test_a_claim_that_cannot_move_stays_as_it_was(hall, halves):
    booking = book(hall, 10, 12)
    book(halves[1], 12, 13)

    with pytest.raises(Taken):
        occupancy.extend(booking, between(10, 12), after=HOUR)

    db.session.expire_all()
    assert booking.interval == between(10, 12)
    assert busy(halves[0]) == [between(10, 12)]


def test_what_is_no_longer_held_cannot_be_extended(room):
    booking = book(room, 10, 12)
    occupancy.release(booking)

    with pytest.raises(Expired):
        occupancy.extend(booking, between(10, 13))


def test_a_hold_counts_until_it_runs_out(room, monday):
    hold(room, 10, 12)
    assert busy(room) == [between(10, 12)]
    with pytest.raises(Taken):
        book(room, 11, 13)

    monday(clock.now() + timedelta(minutes=10))

    assert busy(room) == []
    assert occupancy.holding([room.id], between(0, 48)) == []
    book(room, 11, 13)


def test_an_expired_hold_of_the_hall_gives_way_to_one_half(hall, halves, monday):
    hold(hall, 10, 12)
    monday(clock.now() + timedelta(minutes=11))

    book(halves[0], 10, 12)

    assert busy(halves[1]) == []
    assert busy(hall) == [between(10, 12)]


def test_an_expired_hold_also_gives_way_to_a_claim_that_moves(room, monday):
    booking = book(room, 8, 10)
    hold(room, 10, 12)
    monday(clock.now() + timedelta(minutes=11))

    occupancy.extend(booking, between(8, 11))

    assert busy(room) == [between(8, 11)]


def test_a_confirmed_hold_no_longer_expires(room, monday):
    held = hold(room, 10, 12)

    occupancy.confirm(held, Kind.BOOKING)
    monday(clock.now() + timedelta(days=1))

    assert (held.kind, held.expires_at) == (Kind.BOOKING, None)
    assert occupancy.sweep() == 0
    assert busy(room) == [between(10, 12)]


def test_a_hold_that_ran_out_may_be_confirmed_while_nobody_took_its_place(room, monday):
    held = hold(room, 10, 12)
    monday(clock.now() + timedelta(hours=1))

    occupancy.confirm(held, Kind.BOOKING)

    assert busy(room) == [between(10, 12)]


def test_a_hold_that_was_cleared_away_cannot_be_confirmed(room, monday):
    held = hold(room, 10, 12)
    monday(clock.now() + timedelta(hours=1))
    book(room, 11, 13)

    with pytest.raises(Expired):
        occupancy.confirm(held, Kind.BOOKING)


def test_a_late_release_does_not_hit_the_claim_that_came_after(room):
    booking = book(room, 10, 12)
    occupancy.release(booking)
    later = book(room, 10, 12)

    occupancy.release(booking)

    assert occupancy.holding([room.id], between(0, 48)) == [later]


def test_sweeping_takes_away_only_what_has_run_out(room, hall, monday):
    hold(room, 10, 12, minutes=5)
    hold(room, 14, 16, minutes=50)
    hold(hall, 10, 12, minutes=5)
    book(hall, 14, 16)
    monday(clock.now() + timedelta(minutes=20))

    assert occupancy.sweep() == 2
    assert occupancy.sweep() == 0
    assert count(sa.select(Occupancy)) == count(sa.select(occupied_spans)) == 2


def test_those_in_the_way_are_named_once_each_in_order(hall, halves):
    late = occupancy.claim(halves[0].id, between(40, 90), kind=Kind.CLOSURE)
    early = book(hall, 10, 12)
    book(halves[1], 1, 2)

    assert occupancy.holding([hall.id, halves[0].id], between(11, 80)) == [early, late]
    assert occupancy.holding([halves[1].id], between(11, 80)) == [early]


def test_busy_and_free_answer_for_every_resource_asked_about(room, hall, halves):
    book(room, 10, 12)
    book(halves[0], 0, 6)
    ids = [room.id, hall.id, halves[0].id, halves[1].id]

    for asked in (ids, sa.select(Resource.id).where(Resource.id.in_(ids))):
        assert occupancy.busy(asked, between(5, 11)) == dict(
            zip(ids, ([between(10, 11)], [between(5, 6)], [between(5, 6)], []), strict=True)
        )
        assert occupancy.free(asked, between(5, 11)) == dict(
            zip(ids, ([between(5, 10)], [between(6, 11)], [between(6, 11)], [between(5, 11)]), strict=True)
        )


def test_however_many_are_asked_about_and_for_however_long_it_is_one_query(room, hall, halves):
    book(hall, 10, 12)
    statements = []
    connection = db.session.connection()
    sa.event.listen(connection, "before_cursor_execute", lambda *about: statements.append(about[2]))

    for asked in ([room.id], list(range(1, 2000)), sa.select(Resource.id)):
        for end in (12, 2000):
            assert occupancy.free(asked, between(11, end)).get(halves[0].id, []) == (
                [between(12, end)] if end > 12 and asked != [room.id] else []
            )

    assert len(statements) == 6


@pytest.mark.parametrize(("start", "end"), [(11, 13), (9, 11), (10, 12), (9, 13), (10.5, 11.5)])
def test_the_database_itself_refuses_spans_that_overlap(room, start, end):
    booking = book(room, 10, 12)
    other = book(room, 20, 22)
    span = occupied_spans.c

    for statement in (
        sa.insert(occupied_spans).values(
            occupancy_id=other.id, resource_id=room.id, starts_at=DAY + start * HOUR, ends_at=DAY + end * HOUR
        ),
        sa.update(occupied_spans)
        .where(span.occupancy_id == other.id)
        .values(starts_at=DAY + start * HOUR, ends_at=DAY + end * HOUR),
    ):
        with pytest.raises(IntegrityError) as refusal, db.session.begin_nested():
            db.session.execute(statement)
        assert db.violates(refusal.value, OVERLAP)
    assert occupancy.holding([room.id], between(0, 48)) == [booking, other]


def test_the_database_itself_refuses_to_hand_a_span_to_a_resource_that_is_held(room, hall):
    book(room, 10, 12)
    booking = book(hall, 11, 13)

    with pytest.raises(IntegrityError) as refusal, db.session.begin_nested():
        db.session.execute(
            sa.update(occupied_spans).where(occupied_spans.c.occupancy_id == booking.id).values(resource_id=room.id)
        )
    assert db.violates(refusal.value, OVERLAP)


def test_the_database_lets_a_span_move_over_its_own_place(room):
    booking = book(room, 10, 12)

    db.session.execute(
        sa.update(occupied_spans)
        .where(occupied_spans.c.occupancy_id == booking.id)
        .values(starts_at=DAY + 11 * HOUR, ends_at=DAY + 13 * HOUR)
    )

    assert busy(room) == [between(11, 13)]


@pytest.mark.parametrize(
    ("table", "change", "constraint"),
    [
        (occupied_spans, {"ends_at": DAY + 10 * HOUR}, "ck_occupied_spans_in_order"),
        (occupied_spans, {"ends_at": DAY + 35 * HOUR}, "ck_occupied_spans_one_piece"),
        (Occupancy.__table__, {"ends_at": DAY + 9 * HOUR}, "ck_occupancies_in_order"),
        (Occupancy.__table__, {"expires_at": DAY}, "ck_occupancies_only_holds_expire"),
        (Resource.__table__, {"parent_id": sa.column("id")}, "ck_resources_not_own_parent"),
    ],
)
def test_the_database_itself_refuses_rows_that_make_no_sense(room, table, change, constraint):
    book(room, 10, 12)

    with pytest.raises(IntegrityError) as refusal, db.session.begin_nested():
        db.session.execute(sa.update(table).values(change))
    assert db.violates(refusal.value, constraint)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2027-03-01T10:30", "2027-03-01T11:30"),
        ("2027-03-01 10:30", "2027-03-01 11:30"),
        ("20270301103000", "20270301113000"),
        ("some day", "some night"),
    ],
)
def test_moments_written_in_another_way_do_not_slip_past_the_database(room, start, end):
    booking = book(room, 10, 12)

    with pytest.raises(DBAPIError), db.session.begin_nested():
        db.session.execute(
            sa.text(
                "INSERT INTO occupied_spans (occupancy_id, resource_id, starts_at, ends_at)"
                f" VALUES ({booking.id}, {room.id}, '{start}', '{end}')".replace(":", "\\:")
            )
        )


class Occupancies(RuleBasedStateMachine):
    """Claims on a small tree of resources, held against a list that tries everything."""

    resources = Bundle("resources")
    claims = Bundle("claims")
    starts = st.integers(0, 60)
    lengths = st.sampled_from([1, 2, 3, 5, 24, 25, 70])
    buffers = st.sampled_from([0, 0, 1])

    def __init__(self) -> None:
        super().__init__()
        db.session.execute(sa.delete(Occupancy))
        self.now = DAY
        self.clock = ExitStack()
        self.parents: dict[int, int | None] = {}
        self.held: dict[Occupancy, tuple[int, Interval, datetime | None]] = {}
        self.wait(0)

    def teardown(self) -> None:
        self.clock.close()

    def line(self, resource_id: int | None) -> set[int]:
        """A resource and everything it is a part of."""
        return {resource_id} | self.line(self.parents[resource_id]) if resource_id is not None else set()

    def related(self, one: int, other: int) -> bool:
        return one in self.line(other) or other in self.line(one)

    def expired(self, claim: Occupancy) -> bool:
        expires_at = self.held[claim][2]
        return expires_at is not None and expires_at <= self.now

    def clear(self, resource_ids: set[int], keep: Occupancy | None = None) -> None:
        for claim in [one for one in self.held if one is not keep and self.expired(one)]:
            if any(self.related(self.held[claim][0], resource_id) for resource_id in resource_ids):
                del self.held[claim]

    def possible(self, resource_id: int, interval: Interval, but: Occupancy | None = None) -> bool:
        return not any(
            self.related(resource_id, other) and interval.overlaps(when)
            for claim, (other, when, _) in self.held.items()
            if claim is not but
        )

    def first_impossible(self, wanted: list[tuple[int, Interval]]) -> int | None:
        """Which of these is the first that cannot be held, for others or an earlier one of them."""
        for i, (one, when) in enumerate(wanted):
            earlier = any(self.related(one, other) and when.overlaps(then) for other, then in wanted[:i])
            if earlier or not self.possible(one, when):
                return i
        return None

    @rule(target=resources)
    def add(self):
        return self.add_part(None)

    @rule(target=resources, parent=resources)
    def add_part(self, parent):
        if len(self.parents) > 7:
            return multiple()
        if parent is not None:
            self.clear({parent.id})
        resource = occupancy.add_resource(parent)
        self.parents[resource.id] = parent.id if parent else None
        return resource

    @rule(target=claims, resource=resources, start=starts, length=lengths, minutes=st.none() | st.integers(1, 30))
    def claim(self, resource, start, length, minutes):
        interval = between(start, start + length)
        expires_at = None if minutes is None else self.now + timedelta(minutes=minutes)
        kind = Kind.LOAN if minutes is None else Kind.HOLD
        if not self.possible(resource.id, interval):
            self.clear({resource.id})
        try:
            claim = occupancy.claim(resource.id, interval, kind=kind, expires_at=expires_at)
        except Taken:
            assert not self.possible(resource.id, interval)
            return multiple()
        assert self.possible(resource.id, interval)
        self.held[claim] = (resource.id, interval, expires_at)
        return claim

    @rule(target=claims, asked=st.lists(st.tuples(resources, starts, lengths), min_size=2, max_size=4))
    def claim_all(self, asked):
        wanted = [(resource.id, between(start, start + length)) for resource, start, length in asked]
        first = self.first_impossible(wanted)
        if first is not None:
            self.clear({resource_id for resource_id, _ in wanted})
            first = self.first_impossible(wanted)
        refusal: Taken | None = None
        try:
            made = occupancy.claim_all([Claim(one, when, Kind.BOOKING) for one, when in wanted])
        except Taken as taken:
            refusal = taken
        assert (refusal and (refusal.resource_id, refusal.interval)) == (wanted[first] if first is not None else None)
        if refusal:
            return multiple()
        self.held |= {claim: (one, when, None) for claim, (one, when) in zip(made, wanted, strict=True)}
        return multiple(*made)

    @rule(claim=claims, start=starts, length=lengths, before=buffers, after=buffers)
    def extend(self, claim, start, length, before, after):
        resource_id = claim.resource_id
        self.clear({resource_id}, keep=claim)
        held = between(start - before, start + length + after)
        try:
            occupancy.extend(claim, between(start, start + length), before=before * HOUR, after=after * HOUR)
        except Expired:
            assert claim not in self.held
        except Taken:
            assert not self.possible(resource_id, held, but=claim)
        else:
            assert self.possible(resource_id, held, but=claim)
            self.held[claim] = (resource_id, held, self.held[claim][2])

    @rule(claim=claims)
    def confirm(self, claim):
        try:
            occupancy.confirm(claim, Kind.BOOKING)
        except Expired:
            assert claim not in self.held
        else:
            self.held[claim] = (*self.held[claim][:2], None)

    @rule(claim=claims)
    def release(self, claim):
        occupancy.release(claim)
        self.held.pop(claim, None)

    @rule(minutes=st.integers(1, 40))
    def wait(self, minutes):
        self.now += timedelta(minutes=minutes)
        self.clock.enter_context(clock.frozen(self.now))

    @rule()
    def sweep(self):
        gone = [claim for claim in self.held if self.expired(claim)]
        assert occupancy.sweep() == len(gone)
        for claim in gone:
            del self.held[claim]

    @invariant()
    def the_database_agrees(self):
        for window in (between(-30, 200), between(24, 30)):
            answers = (
                occupancy.busy(set(self.parents), window),
                occupancy.free(sa.select(Resource.id).where(Resource.id.in_(self.parents)), window),
            )
            for resource_id in self.parents:
                held = merged(
                    common
                    for claim, (other, when, _) in self.held.items()
                    if not self.expired(claim) and self.related(resource_id, other) and (common := window.meet(when))
                )
                assert answers[0][resource_id] == held
                assert answers[1][resource_id] == subtract([window], held)


def test_whatever_is_claimed_moved_and_released_the_database_agrees_with_a_simple_list():
    run_state_machine_as_test(
        Occupancies,
        settings=settings(
            max_examples=60,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
