"""Processes that a barrier releases together: limits hold, and each deposit is put down and settled once."""

from collections import Counter

import pytest

from marketplace.civic.accounts import queries as accounts
from marketplace.civic.accounts.models import Person, Role
from marketplace.civic.credits import policy, queries, service
from marketplace.kernel import db, ledger
from tests.factories import person, with_credits
from tests.kernel.test_occupancy_race import disconnect, race

PROCESSES = 8


@pytest.fixture
def people(live_database) -> dict[str, int]:
    """A clerk, and two residents with 100 minutes each, committed."""
    clerk = person("A clerk", roles=[Role.ADMINISTRATOR])
    minsu, sora = with_credits(person("Minsu"), 100), with_credits(person("Sora"), 100)
    db.session.commit()
    ids = {"clerk": clerk.id, "minsu": minsu.id, "sora": sora.id}
    db.session.remove()
    disconnect()
    return ids


def found(number: int) -> Person:
    return db.session.get_one(Person, number)


def outcomes(rounds: list[dict[int, str]]) -> Counter[str]:
    return Counter(outcome for one in rounds for outcome in one.values())


def balances(people: dict[str, int]) -> tuple[int, int]:
    with db.transaction(read_only=True):
        assert ledger.verify() == []
        minsu, sora = (queries.wallet(found(people[name])) for name in ("minsu", "sora"))
        assert minsu
        assert sora
        return minsu.balance, sora.balance


def test_together_staff_give_no_more_than_a_month_allows(live_database, people):
    def attempt(number: int, _turn: int) -> None:
        clerk = accounts.person(people["clerk"])
        service.give(clerk, found(people["minsu"]), policy.MOST_AT_ONCE, f"Helped {number}")

    done = outcomes(race(live_database, attempt, PROCESSES, rounds=1))

    assert done == {"done": 3, "much_in_a_month": PROCESSES - 3}
    assert balances(people)[0] == 100 + 3 * policy.MOST_AT_ONCE


def test_a_deposit_is_put_down_once(live_database, people):
    def attempt(_number: int, turn: int) -> None:
        service.hold_deposit(found(people["minsu"]), 10, f"loan:{turn}")

    done = outcomes(race(live_database, attempt, PROCESSES, rounds=3))

    assert done == {"done": 3, "deposit_open": 3 * (PROCESSES - 1)}
    assert balances(people) == (70, 100)


def test_a_deposit_is_settled_once(live_database, people):
    with db.transaction():
        for turn in range(3):
            service.hold_deposit(found(people["minsu"]), 10, f"loan:{turn}")
    disconnect()

    def attempt(_number: int, turn: int) -> None:
        service.release_deposit(f"loan:{turn}", keep=4, to=found(people["sora"]))

    done = outcomes(race(live_database, attempt, PROCESSES, rounds=3))

    assert done == {"done": 3, "no_deposit": 3 * (PROCESSES - 1)}
    assert balances(people) == (88, 112)


def test_neighbours_who_pay_each_other_at_once_both_do(live_database, people):
    def attempt(number: int, turn: int) -> None:
        minsu, sora = found(people["minsu"]), found(people["sora"])
        payer, payee = (minsu, sora) if number % 2 else (sora, minsu)
        service.pay(payer, payee, 1, f"loan:{turn * PROCESSES + number}")

    assert set(outcomes(race(live_database, attempt, PROCESSES, rounds=3))) == {"done"}
    assert balances(people) == (100, 100)
