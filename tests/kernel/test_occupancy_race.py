"""Processes that a barrier releases together onto one resource: the database lets exactly one through."""

import multiprocessing
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from marketplace.kernel import clock, db, occupancy
from marketplace.kernel.errors import DomainError
from marketplace.kernel.intervals import Interval
from marketplace.kernel.occupancy import Claim, Expired, Kind, Occupancy, occupied_spans, resource_parts

DAY = datetime(2027, 3, 2, tzinfo=UTC)
PROCESSES = 16
ROUNDS = 10

Attempt = Callable[[int, int], Any]
"""What a process of some number does in a round."""


def hours(turn: int, length: int = 2) -> Interval:
    """A time of its own for every round."""
    return Interval(DAY + timedelta(days=turn), DAY + timedelta(days=turn, hours=length))


def _run(url: str, number: int, attempt: Attempt, rounds: int, barrier: Any, outcomes: Any) -> None:
    engine = db.connect(url)
    for turn in range(rounds):
        barrier.wait(60)
        try:
            with db.transaction():
                attempt(number, turn)
            outcome = "done"
        except DomainError as refusal:
            outcome = refusal.code
        except Exception as error:  # noqa: BLE001 - any other error is what the test looks for
            outcome = repr(error)
        outcomes.put((turn, number, outcome))
    db.session.remove()
    engine.dispose()


def race(url: str, attempt: Attempt, processes: int = PROCESSES, rounds: int = ROUNDS) -> list[dict[int, str]]:
    """What became of every process in every round."""
    fork = multiprocessing.get_context("fork")
    barrier, outcomes = fork.Barrier(processes), fork.SimpleQueue()
    runners = [
        fork.Process(target=_run, args=(url, number, attempt, rounds, barrier, outcomes)) for number in range(processes)
    ]
    for runner in runners:
        runner.start()
    result: list[dict[int, str]] = [{} for _ in range(rounds)]
    for _ in range(processes * rounds):
        turn, number, outcome = outcomes.get()
        result[turn][number] = outcome
    for runner in runners:
        runner.join(60)
        assert runner.exitcode == 0
    return result


def disconnect() -> None:
    """Close this process's connections, which a forked one may not share."""
    engine = db.session.get_bind()
    assert isinstance(engine, sa.Engine)
    engine.dispose()


@pytest.fixture
def tree(live_database) -> tuple[int, int, int, int]:
    """A hall, its two halves and a room, committed."""
    with db.transaction():
        hall = occupancy.add_resource()
        made = (hall, occupancy.add_resource(hall), occupancy.add_resource(hall), occupancy.add_resource())
        ids = tuple(resource.id for resource in made)
    disconnect()
    return ids  # type: ignore[return-value]


def written() -> tuple[int, int]:
    """How many claims and spans there are."""
    with db.transaction(read_only=True) as session:
        return tuple(  # type: ignore[return-value]
            session.scalar(sa.select(sa.func.count()).select_from(table)) for table in (Occupancy, occupied_spans)
        )


def test_of_many_who_want_one_room_at_one_time_exactly_one_gets_it(live_database, tree):
    *_, room = tree

    outcomes = race(live_database, lambda number, turn: occupancy.claim(room, hours(turn), kind=Kind.BOOKING))

    for outcome in outcomes:
        assert sorted(outcome.values()) == ["done"] + ["taken"] * (PROCESSES - 1)
    assert written() == (ROUNDS, ROUNDS)


def test_of_many_whose_times_only_overlap_nobody_shares_a_moment(live_database, tree):
    *_, room = tree

    def attempt(number: int, turn: int) -> None:
        start = hours(turn).starts_at + timedelta(minutes=30 * (number % 3))
        occupancy.claim(room, Interval(start, start + timedelta(hours=2)), kind=Kind.LOAN)

    for outcome in race(live_database, attempt):
        assert sorted(outcome.values()) == ["done"] + ["taken"] * (PROCESSES - 1)


def test_either_the_hall_is_taken_or_each_half_once(live_database, tree):
    def attempt(number: int, turn: int) -> None:
        occupancy.claim(tree[number % 3], hours(turn), kind=Kind.BOOKING)

    for outcome in race(live_database, attempt):
        winners = sorted(number % 3 for number, what in outcome.items() if what == "done")
        assert winners in ([0], [1, 2])
        assert {what for what in outcome.values() if what != "done"} == {"taken"}


def test_series_over_the_same_rooms_in_opposite_orders_do_not_deadlock(live_database, tree):
    def attempt(number: int, turn: int) -> None:
        order = tree[1:] if number % 2 else tree[:0:-1]
        occupancy.claim_all([Claim(resource_id, hours(turn), Kind.BOOKING) for resource_id in order])

    for outcome in race(live_database, attempt):
        assert sorted(outcome.values()) == ["done"] + ["taken"] * (PROCESSES - 1)
    assert written() == (3 * ROUNDS, 3 * ROUNDS)


def test_an_expired_hold_is_confirmed_or_replaced_but_not_both(live_database, tree):
    halls = []
    with db.transaction():
        for turn in range(ROUNDS):
            hall = occupancy.add_resource()
            left = occupancy.add_resource(hall)
            held = occupancy.claim(hall.id, hours(turn), kind=Kind.HOLD, expires_at=clock.now())
            halls.append((held.id, left.id))
    disconnect()

    def attempt(number: int, turn: int) -> None:
        held, left = halls[turn]
        if number == 0:
            if (mine := db.session.get(Occupancy, held)) is None:
                raise Expired
            occupancy.confirm(mine, Kind.BOOKING)
        else:
            occupancy.claim(left, hours(turn), kind=Kind.BOOKING)

    for outcome in race(live_database, attempt):
        assert list(outcome.values()).count("done") == 1
        assert set(outcome.values()) <= {"done", "taken", "expired"}


def test_two_neighbours_who_both_extend_into_one_gap_do_not_both_succeed(live_database, tree):
    *_, room = tree
    claims = []
    with db.transaction():
        for turn in range(ROUNDS):
            start = hours(turn).starts_at
            for offset in (0, 4):
                when = Interval(start + timedelta(hours=offset), start + timedelta(hours=offset + 2))
                claims.append(occupancy.claim(room, when, kind=Kind.LOAN).id)
    disconnect()

    def attempt(number: int, turn: int) -> None:
        claim = db.session.get_one(Occupancy, claims[2 * turn + number])
        gap = timedelta(hours=2)
        occupancy.extend(claim, claim.interval.widened(after=gap) if number == 0 else claim.interval.widened(gap))

    for outcome in race(live_database, attempt, processes=2):
        assert sorted(outcome.values()) == ["done", "taken"]


def test_a_part_added_while_the_whole_is_claimed_is_held_with_it(live_database, tree):
    hall, left, *_ = tree

    def attempt(number: int, turn: int) -> None:
        if number % 2:
            occupancy.add_resource(db.session.get_one(occupancy.Resource, left))
        else:
            occupancy.claim([hall, left][number % 4 // 2], hours(turn * PROCESSES + number), kind=Kind.BOOKING)

    for outcome in race(live_database, attempt, processes=8, rounds=5):
        assert set(outcome.values()) == {"done"}
    with db.transaction(read_only=True) as session:
        span, part = occupied_spans.c, resource_parts.c
        should = sa.select(Occupancy.id, part.part_id).join(resource_parts, part.resource_id == Occupancy.resource_id)
        does = sa.select(span.occupancy_id, span.resource_id)
        assert set(session.execute(should)) == set(session.execute(does))


def test_many_who_want_different_rooms_or_times_all_get_them(live_database, tree):
    def attempt(number: int, turn: int) -> None:
        day = hours(turn * PROCESSES + number // 2)
        occupancy.claim(tree[1 + number % 2], day, kind=Kind.BOOKING)

    for outcome in race(live_database, attempt, rounds=5):
        assert set(outcome.values()) == {"done"}
