"""The ledger: nothing is lost, nothing is made from nothing, and no account falls below its floor."""

import pytest
import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from marketplace.kernel import clock, db, ledger
from marketplace.kernel.ledger import Account, AlreadyMoved, Movement, NotEnough, Problem


def world() -> Account:
    """Where everything comes from."""
    return ledger.open_account("city", "issue", "time", floor=None)


def wallet(number: int = 1, balance: int = 0) -> Account:
    made = ledger.open_account(f"person:{number}", "wallet", "time")
    if balance:
        ledger.move(world(), made, balance, why="granted", subject="grant:1", key=f"start {number}", by=None)
    return made


def pay(source: Account, target: Account, amount: int, key: str = "one") -> Movement:
    return ledger.move(source, target, amount, why="paid", subject="loan:5", key=key, by=7)


def test_what_one_gives_the_other_gets():
    minsu, jiwoo = wallet(1, 100), wallet(2)

    made = pay(minsu, jiwoo, 30)

    assert (minsu.balance, jiwoo.balance, world().balance) == (70, 30, -100)
    assert (made.why, made.subject, made.made_by_id, made.made_at) == ("paid", "loan:5", 7, clock.now())
    assert ledger.verify() == []


def test_nobody_gives_more_than_there_is_and_hears_what_there_is():
    minsu, jiwoo = wallet(1, 100), wallet(2)

    with pytest.raises(NotEnough) as refusal:
        pay(minsu, jiwoo, 101)

    assert refusal.value.there == 100
    assert (minsu.balance, jiwoo.balance) == (100, 0)
    assert ledger.movement("one") is None


def test_below_nothing_only_as_far_as_was_agreed():
    minsu, jiwoo = wallet(1, 10), wallet(2)
    ledger.set_floor(minsu, -50)

    pay(minsu, jiwoo, 60)

    assert minsu.balance == -50
    with pytest.raises(NotEnough) as refusal:
        pay(minsu, jiwoo, 1, "two")
    assert refusal.value.there == 0
    with pytest.raises(NotEnough):
        ledger.set_floor(minsu, 0)


def test_the_same_key_moves_once():
    minsu, jiwoo = wallet(1, 100), wallet(2)

    first = pay(minsu, jiwoo, 60)

    assert pay(minsu, jiwoo, 60) is first  # also where it would no longer be enough
    assert minsu.balance == 40
    for other in ((minsu, jiwoo, 30), (jiwoo, minsu, 60), (minsu, world(), 60)):
        with pytest.raises(AlreadyMoved):
            pay(*other)


@pytest.mark.parametrize("amount", [0, -5, ledger.MOST + 1])
def test_only_whole_positive_amounts_move(amount):
    with pytest.raises(ValueError, match="positive"):
        pay(world(), wallet(), amount)


def test_units_do_not_mix():
    won = ledger.open_account("city", "fund", "KRW")

    with pytest.raises(ValueError, match="one unit"):
        pay(world(), won, 5)


def test_an_account_is_opened_once():
    assert wallet() is wallet()
    assert ledger.open_account("person:1", "wallet", "KRW") is not wallet()
    assert ledger.account("person:9", "wallet", "time") is None


def test_what_is_held_is_given_out_in_parts_and_no_more():
    minsu, owner = wallet(1, 100), wallet(2)

    held = ledger.hold(minsu, 60, owner="deposit:1", why="deposited", subject="loan:5", key="in", by=1)
    ledger.release(held, owner, 15, why="kept", subject="loan:5", key="kept", by=2)
    ledger.release(held, minsu, 45, why="returned", subject="loan:5", key="back", by=2)

    assert (minsu.balance, owner.balance, held.balance) == (85, 15, 0)
    with pytest.raises(NotEnough):
        ledger.release(held, minsu, 1, why="returned", subject="loan:5", key="more", by=2)
    with pytest.raises(ValueError, match="held"):
        ledger.release(minsu, owner, 1, why="returned", subject="loan:5", key="theirs", by=2)


def test_a_statement_has_every_movement_and_the_balance_after_it(statements):
    minsu, jiwoo = wallet(1, 100), wallet(2)
    for turn in range(6):
        source, target = (minsu, jiwoo) if turn % 3 else (jiwoo, minsu)
        if source.balance:
            pay(source, target, 10, str(turn))

    whole = [(line.change, line.balance) for line in ledger.statement(minsu)]

    assert whole == [(-10, 70), (-10, 80), (10, 90), (-10, 80), (-10, 90), (100, 100)]
    for offset in range(6):
        with statements() as made:
            cut = [(line.change, line.balance) for line in ledger.statement(minsu, offset=offset, limit=2)]
        assert cut == whole[offset : offset + 2]
        assert len(made) <= 2


# --- against the database alone ---


def insert(source: Account, target: Account, amount: object = 5, key: str = "one", unit: str = "time") -> None:
    row = {"source_id": source.id, "target_id": target.id, "amount": amount, "key": key, "unit": unit}
    statement = (
        "INSERT INTO ledger_movements (source_id, target_id, unit, amount, why, subject, key, made_at)"
        " VALUES (:source_id, :target_id, :unit, :amount, 'x', 'x:1', :key, CURRENT_TIMESTAMP)"
    )
    db.session.execute(sa.text(statement), row)


def balance_of(account: Account) -> int:
    return db.session.scalar(sa.select(Account.balance).where(Account.id == account.id)) or 0


def test_a_row_moves_whoever_writes_it():
    minsu, jiwoo = wallet(1, 100), wallet(2)

    insert(minsu, jiwoo)

    assert (balance_of(minsu), balance_of(jiwoo)) == (95, 5)


@pytest.mark.parametrize(
    ("refused_by", "changes"),
    [
        ("floor", {"amount": 101}),
        ("two_accounts", {"target": 1}),
        ("whole_amount", {"amount": 0}),
        ("whole_amount", {"amount": -5}),
        ("whole_amount", {"amount": ledger.MOST + 1}),
        ("uq_ledger_movements_key", {"key": "start 1"}),
        ("", {"unit": "KRW"}),
    ],
)
def test_the_database_refuses_what_is_no_movement(refused_by, changes):
    minsu, jiwoo = wallet(1, 100), wallet(2)
    target = minsu if changes.pop("target", 2) == 1 else jiwoo

    with pytest.raises(sa.exc.IntegrityError) as refusal, db.session.begin_nested():
        insert(minsu, target, **changes)

    assert refused_by in str(refusal.value.orig)
    assert (balance_of(minsu), balance_of(jiwoo)) == (100, 0)


@pytest.mark.parametrize("amount", [1.5, "five"])
def test_sqlite_takes_no_fractions_and_no_words_either(amount):
    if not db.is_sqlite():
        return  # the column's type refuses them there
    with pytest.raises(sa.exc.IntegrityError, match="whole_amount"):
        insert(world(), wallet(), amount)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_movements SET amount = 1",
        "UPDATE ledger_movements SET made_by_id = 9",
        "DELETE FROM ledger_movements",
        "TRUNCATE ledger_movements",
        "UPDATE ledger_accounts SET balance = balance + 1",
        "UPDATE ledger_accounts SET balance = balance + 100, moved_id = (SELECT max(id) FROM ledger_movements)",
        "UPDATE ledger_accounts SET moved_id = NULL",
        "UPDATE ledger_accounts SET moved_id = moved_id + 1",
        "UPDATE ledger_accounts SET floor = 101",
        "UPDATE ledger_accounts SET unit = 'KRW'",
        "DELETE FROM ledger_accounts",
        "INSERT INTO ledger_accounts (owner, kind, unit, balance, opened_at) VALUES ('x', 'x', 'x', 5, '2027-03-01')",
        "INSERT OR REPLACE INTO ledger_accounts (id, owner, kind, unit, balance, opened_at)"
        " SELECT id, owner, kind, unit, 0, opened_at FROM ledger_accounts",
        "INSERT OR REPLACE INTO ledger_movements SELECT id, source_id, target_id, unit, 99, why, subject, key, made_at,"
        " made_by_id FROM ledger_movements",
        "INSERT OR REPLACE INTO ledger_movements SELECT id + 50, source_id, target_id, unit, 1, why, subject, key,"
        " made_at, made_by_id FROM ledger_movements",
    ],
)
def test_the_database_lets_nobody_change_what_was_moved(statement):
    if ("TRUNCATE" in statement and db.is_sqlite()) or ("REPLACE" in statement and not db.is_sqlite()):
        return  # the statement does not exist there
    minsu = wallet(1, 100)

    with pytest.raises(sa.exc.IntegrityError), db.session.begin_nested():
        db.session.execute(sa.text(statement))

    assert balance_of(minsu) == 100
    assert ledger.verify() == []


def unguarded() -> None:
    """Take the triggers away, as someone with the database in their hands could."""
    if db.is_sqlite():
        for trigger in ("movements_no_update", "movements_no_delete", "accounts_moved"):
            db.session.execute(sa.text(f"DROP TRIGGER ledger_{trigger}"))
    else:
        for table in ("ledger_movements", "ledger_accounts"):
            db.session.execute(sa.text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))


@pytest.mark.parametrize(
    ("forged", "found"),
    [
        ("UPDATE ledger_accounts SET balance = 9000 WHERE kind = 'wallet'", "the balance is 9000, its movements make"),
        ("UPDATE ledger_movements SET amount = 1", "the balance is 100, its movements make 1"),
        ("DELETE FROM ledger_movements", "the balance is 100, its movements make 0"),
        ("UPDATE ledger_accounts SET moved_id = NULL", "the newest movement counted is None"),
    ],
)
def test_a_forgery_is_found_by_working_everything_out_again(forged, found):
    minsu = wallet(1, 100)
    unguarded()
    db.session.execute(sa.text(forged))

    problems = [problem for problem in ledger.verify() if problem.account_id == minsu.id]

    assert problems == [Problem(minsu.id, problems[0].what)]
    assert found in problems[0].what


# --- against a dict ---

NAMES = st.sampled_from(["minsu", "jiwoo", "sora"])
ANYONE = st.sampled_from(["minsu", "jiwoo", "sora", "city"])
SUMS = st.integers(1, 120)


class LedgerAgainstDict(RuleBasedStateMachine):
    """Whatever is done in whatever order, the ledger says what a dictionary of numbers says."""

    @initialize()
    def open(self) -> None:
        self.undo = db.session.begin_nested()
        self.accounts = {name: ledger.open_account(name, "wallet", "time") for name in ("minsu", "jiwoo", "sora")}
        self.accounts["city"] = ledger.open_account("a city", "issue", "time", floor=None)
        self.balances = dict.fromkeys(self.accounts, 0)
        self.floors = dict.fromkeys(("minsu", "jiwoo", "sora"), 0)
        self.keys: dict[str, tuple[str, str, int]] = {}

    def teardown(self) -> None:
        self.undo.rollback()
        db.session.expire_all()

    @rule(source=ANYONE, taker=ANYONE, amount=SUMS, key=SUMS)
    def move(self, source: str, taker: str, amount: int, key: int) -> None:
        if source == taker:
            return
        before = self.keys.get(str(key))
        enough = source == "city" or self.balances[source] - amount >= self.floors[source]
        try:
            pay(self.accounts[source], self.accounts[taker], amount, str(key))
        except AlreadyMoved:
            assert before not in (None, (source, taker, amount))
        except NotEnough as refusal:
            assert before is None
            assert not enough
            assert refusal.there == self.balances[source] - self.floors[source]  # noqa: PT017 - not always refused
        else:
            assert before == (source, taker, amount) if before else enough
            if not before:
                self.keys[str(key)] = (source, taker, amount)
                self.balances[source] -= amount
                self.balances[taker] += amount

    @rule(name=NAMES, floor=st.integers(-150, 0))
    def agree(self, name: str, floor: int) -> None:
        try:
            ledger.set_floor(self.accounts[name], floor)
        except NotEnough:
            assert self.balances[name] < floor
        else:
            assert self.balances[name] >= floor
            self.floors[name] = floor

    @invariant()
    def every_balance_is_the_dictionary_s(self) -> None:
        for name, account in self.accounts.items():
            assert account.balance == balance_of(account) == self.balances[name]
            lines = list(ledger.statement(account))
            assert [line.balance for line in lines][:1] == ([account.balance] if lines else [])
            assert sum(line.change for line in lines) == account.balance
        assert sum(self.balances.values()) == 0
        assert ledger.verify() == []


def test_the_ledger_says_what_a_dictionary_says():
    run_state_machine_as_test(
        LedgerAgainstDict, settings=settings(max_examples=25, stateful_step_count=20, deadline=None)
    )
