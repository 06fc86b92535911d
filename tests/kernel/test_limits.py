"""Limits: so many tries and not one more, whoever counts."""

import multiprocessing
from datetime import timedelta
from multiprocessing.synchronize import Barrier

import pytest
import sqlalchemy as sa

from marketplace.kernel import clock, db, jobs, limits
from marketplace.kernel.errors import TooMany
from marketplace.kernel.limits import RateCounter, spend

SPAWN = multiprocessing.get_context("spawn")
QUARTER = timedelta(minutes=15)


def try_once(key: str = "sign-in:ana@example.org", allowed: int = 3) -> None:
    with db.separate() as own:
        spend(own, key, allowed, QUARTER)


def test_the_allowance_may_be_spent_and_no_more() -> None:
    for _ in range(3):
        try_once()
    for _ in range(2):
        with pytest.raises(TooMany):
            try_once()
    assert db.session.scalar(sa.select(RateCounter.count)) == 3


def test_others_have_an_allowance_of_their_own() -> None:
    for _ in range(3):
        try_once()
    try_once("sign-in:ben@example.org")


def test_the_refusal_tells_how_long_to_wait_and_is_true(monday) -> None:
    begin = clock.now()
    monday(begin + timedelta(minutes=4, seconds=30))
    try_once(allowed=1)
    with pytest.raises(TooMany) as refusal:
        try_once(allowed=1)
    assert refusal.value.details == {"minutes": 11, "retry_after": 630}
    assert "11 minutes" in str(refusal.value.sentence)

    monday(begin + QUARTER - timedelta(seconds=1))
    with pytest.raises(TooMany) as refusal:
        try_once(allowed=1)
    assert refusal.value.details == {"minutes": 1, "retry_after": 1}
    monday(begin + QUARTER)
    try_once(allowed=1)


def test_the_table_holds_no_address_and_the_secret_matters() -> None:
    try_once()
    stored = db.session.scalar(sa.select(RateCounter.key))

    assert stored is not None
    assert "ana" not in stored
    assert stored == limits.digest("sign-in:ana@example.org")
    limits.set_secret(b"another")
    assert stored != limits.digest("sign-in:ana@example.org")


@pytest.fixture(autouse=True)
def no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_secret", b"")


@pytest.mark.parametrize(("allowed", "per"), [(0, QUARTER), (1, timedelta(0)), (1, timedelta(days=3))])
def test_a_limit_that_makes_no_sense_is_refused(allowed: int, per: timedelta) -> None:
    with pytest.raises(ValueError, match="at least one try"):
        spend(db.session(), "key", allowed, per)


def test_old_windows_are_swept_and_present_ones_kept(monday) -> None:
    try_once("old")
    monday(clock.now() + limits.KEPT + QUARTER)
    try_once("new")

    jobs.queue_timed({})
    jobs.run_pending()

    assert list(db.session.scalars(sa.select(RateCounter.key))) == [limits.digest("new")]


def _spend_until_refused(url: str, start: Barrier, spent) -> None:
    db.connect(url)
    with clock.frozen(clock.at(clock.today(), 600)):
        start.wait()
        for _ in range(40):
            try:
                try_once("shared", allowed=50)
            except TooMany:
                continue
            with spent.get_lock():
                spent.value += 1


def test_processes_released_together_spend_exactly_the_allowance(live_database: str) -> None:
    start, spent = SPAWN.Barrier(8), SPAWN.Value("i", 0)
    crowd = [SPAWN.Process(target=_spend_until_refused, args=(live_database, start, spent)) for _ in range(8)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()

    assert [one.exitcode for one in crowd] == [0] * 8
    assert spent.value == 50
