"""Processes that a barrier releases together onto the same accounts: nothing is lost, spent twice or stuck."""

import pytest
import sqlalchemy as sa

from marketplace.kernel import db, ledger
from marketplace.kernel.ledger import Account
from tests.kernel.test_occupancy_race import PROCESSES, ROUNDS, disconnect, race


@pytest.fixture
def two(live_database) -> tuple[int, int]:
    """Two wallets with 100 each, committed."""
    with db.transaction():
        world = ledger.open_account("city", "issue", "time", floor=None)
        wallets = [ledger.open_account(f"person:{number}", "wallet", "time") for number in (1, 2)]
        for one in wallets:
            ledger.move(world, one, 100, why="granted", subject="grant:1", key=f"start {one.id}", by=None)
        ids = tuple(one.id for one in wallets)
    disconnect()
    return ids  # type: ignore[return-value]


def accounts(ids: tuple[int, int]) -> list[Account]:
    return [db.session.get_one(Account, one) for one in ids]


def pay(ids: tuple[int, int], amount: int, key: str) -> None:
    source, target = accounts(ids)
    ledger.move(source, target, amount, why="paid", subject="loan:1", key=key, by=None)


def balances(ids: tuple[int, int]) -> list[int]:
    with db.transaction(read_only=True):
        assert ledger.verify() == []
        return [one.balance for one in accounts(ids)]


def test_what_is_there_is_given_away_only_once(live_database, two):
    def attempt(number: int, turn: int) -> None:
        pay(two, 10, f"{turn}-{number}")

    rounds = race(live_database, attempt, rounds=3)

    outcomes = [outcome for one in rounds for outcome in one.values()]
    assert outcomes.count("done") == 10
    assert outcomes.count("not_enough") == 3 * PROCESSES - 10
    assert balances(two) == [0, 200]


def test_payments_that_cross_do_not_wait_for_each_other_for_ever(live_database, two):
    def attempt(number: int, turn: int) -> None:
        pay(two if number % 2 else two[::-1], 1, f"{turn}-{number}")

    rounds = race(live_database, attempt, rounds=ROUNDS)

    assert {outcome for one in rounds for outcome in one.values()} == {"done"}
    assert balances(two) == [100, 100]


def test_rows_written_past_the_verbs_keep_the_balances_true(live_database, two):
    def attempt(number: int, turn: int) -> None:
        db.session.execute(sa.select(Account).where(Account.id.in_(two)).order_by(Account.id).with_for_update())
        db.session.execute(
            sa.text(
                "INSERT INTO ledger_movements (source_id, target_id, unit, amount, why, subject, key, made_at)"
                " VALUES (:source, :target, 'time', 1, 'x', 'x:1', :key, CURRENT_TIMESTAMP)"
            ),
            {"source": two[number % 2], "target": two[1 - number % 2], "key": f"{turn}-{number}"},
        )

    rounds = race(live_database, attempt, processes=4)

    assert {outcome for one in rounds for outcome in one.values()} == {"done"}
    assert balances(two) == [100, 100]


def test_of_many_with_the_same_key_one_moves_and_all_hear_that_it_is_done(live_database, two):
    def attempt(_number: int, turn: int) -> None:
        pay(two, 10, f"round {turn}")

    rounds = race(live_database, attempt, processes=8, rounds=4)

    assert {outcome for one in rounds for outcome in one.values()} == {"done"}
    assert balances(two) == [60, 140]


def test_the_same_key_for_two_other_accounts_is_refused(live_database, two):
    def attempt(number: int, turn: int) -> None:
        pay(two if number else two[::-1], 1, f"round {turn}")

    rounds = race(live_database, attempt, processes=2, rounds=4)

    assert [sorted(one.values()) for one in rounds] == [["already_moved", "done"]] * 4


def test_an_account_that_many_open_at_once_is_one(live_database, two):
    def attempt(number: int, turn: int) -> None:
        new = ledger.open_account(f"person:{turn + 10}", "wallet", "time")
        pay((two[0], new.id), 1, f"{turn}-{number}")

    rounds = race(live_database, attempt, processes=8, rounds=4)

    assert {outcome for one in rounds for outcome in one.values()} == {"done"}
    with db.transaction(read_only=True):
        assert db.count(sa.select(Account)) == 3 + 4
