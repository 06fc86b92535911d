"""Loans driven at random, step by step, beside a model so simple that it is surely right."""

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy.orm import selectinload

from marketplace.civic.accounts.models import Person
from marketplace.civic.credits.models import Deposit
from marketplace.kernel import clock, db, ledger, occupancy
from marketplace.kernel.intervals import merged
from marketplace.kernel.occupancy import occupied_spans
from marketplace.sharing.items import errors, policy
from marketplace.sharing.items.models.lending import Loan, Refusal, Way, days
from marketplace.sharing.items.models.listing import Condition, DepositUnit, Item
from marketplace.sharing.items.models.problems import Remedy, Trouble
from marketplace.sharing.items.queries import listings
from marketplace.sharing.items.queries import loans as queries
from marketplace.sharing.items.service import forgetting, handing, loans, longer, problems
from tests import factories
from tests.conftest import MONDAY

DAY = timedelta(days=1)
FIRST = date(2027, 3, 1)
UNITS = {"drill": 1, "chairs": 3}
DEPOSITS = {"drill": 60, "chairs": 0}
PURSE = 100
"""Minutes of time credit that each resident has at first: one deposit's worth."""
THINGS, PEOPLE = st.sampled_from(sorted(UNITS)), st.integers(0, 2)
DAYS, LENGTHS, QUANTITIES = st.integers(0, 6), st.integers(0, 2), st.integers(1, 2)
ASKED, AGREED = ("requested", "proposed"), ("accepted", "out")


@dataclass(frozen=True)
class Known:
    """What the model knows of a loan; `held` tells of each of its pieces until which day it is held."""

    thing: str
    person: int
    first: date
    last: date
    quantity: int
    due: datetime | None
    reference: str
    state: str = "requested"
    other: tuple[date, date] | None = None
    held: dict[int, date] = field(default_factory=dict)
    back: datetime | None = None
    kept: int = 0
    longer: date | None = None

    @property
    def put_aside(self) -> int:
        """How many minutes of its borrower's are held for it."""
        return DEPOSITS[self.thing] if self.state in (*ASKED, *AGREED, "returned") else 0

    @property
    def overdue(self) -> bool:
        """Whether nobody may answer any more."""
        return self.state in ASKED and self.due is not None and self.due <= clock.now()

    def holds(self, unit: int, first: date, last: date) -> bool:
        """Whether it has the piece on one of these days."""
        return unit in self.held and self.first <= last and first <= self.held[unit]


@dataclass
class Street:
    """The model: loans by id, and the pieces that are gone."""

    loans: dict[int, Known] = field(default_factory=dict)
    gone: set[tuple[str, int]] = field(default_factory=set)

    def free(self, thing: str, first: date, last: date) -> list[int]:
        """The pieces of a thing that nobody has on any of these days."""
        return [
            unit
            for unit in range(UNITS[thing])
            if (thing, unit) not in self.gone
            and not any(one.thing == thing and one.holds(unit, first, last) for one in self.loans.values())
        ]

    def usable(self, person: int) -> int:
        """What a resident can put down."""
        own = [one for one in self.loans.values() if one.person == person]
        return PURSE - sum(one.put_aside or one.kept for one in own)

    def out(self, thing: str) -> set[int]:
        """The pieces that are with borrowers."""
        return {unit for one in self.loans.values() if one.thing == thing and one.state == "out" for unit in one.held}


class Loans(RuleBasedStateMachine):
    """Neighbours ask, owners answer, things go out and come back or do not; time passes."""

    asked = Bundle("asked")

    def __init__(self) -> None:
        super().__init__()
        self.street, self.now, self.undoing = Street(), MONDAY, ExitStack()
        self.stop_clock()
        connection = db.session.get_bind()
        assert isinstance(connection, sa.Connection)
        self.example = connection.begin_nested()
        owner = factories.neighbour("Minsu Lee")
        made = {
            name: factories.item(name, owner, units=many, deposit=DEPOSITS[name], deposit_unit=DepositUnit.TIME)
            for name, many in UNITS.items()
        }
        self.owner_id, self.item_ids = owner.id, {name: one.id for name, one in made.items()}
        residents = [factories.with_credits(factories.neighbour(f"Resident {n}"), PURSE) for n in range(3)]
        self.people_ids = [one.id for one in residents]
        self.resources = {
            name: [unit.resource_id for unit in listings.get_item(item_id).units]
            for name, item_id in self.item_ids.items()
        }

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

    def thing(self, name: str) -> Item:
        """A thing."""
        return listings.get_item(self.item_ids[name])

    def loan(self, key: int) -> Loan:
        """A loan."""
        return queries.get_loan(self.street.loans[key].reference)

    def resident(self, number: int) -> Person:
        """One of the borrowers."""
        return db.session.get_one(Person, self.people_ids[number], options=[selectinload(Person.grants)])

    @property
    def owner(self) -> Person:
        """Whose the things are."""
        return db.session.get_one(Person, self.owner_id, options=[selectinload(Person.grants)])

    def settle(self, key: int, **changes) -> None:
        """Write down what became of a loan."""
        self.street.loans[key] = replace(self.street.loans[key], **changes)

    def attempt(self, refusal, act) -> bool:
        """Do it, or be refused as the model says, with nothing changed."""
        if refusal is None:
            act()
            return True
        with pytest.raises(refusal), db.session.begin_nested():
            act()
        db.session.expunge_all()
        return False

    # --- asking and answering ---

    @rule(target=asked, thing=THINGS, person=PEOPLE, day=DAYS, length=LENGTHS, quantity=QUANTITIES)
    def request(self, thing: str, person: int, day: int, length: int, quantity: int):
        item, first = self.thing(thing), FIRST + day * DAY
        last = first + length * DAY
        mine = [one for one in self.street.loans.values() if one.person == person and one.state in ASKED]
        same = any(one.thing == thing and one.first == first for one in mine)
        broken = policy.broken_rule(item, self.resident(person), set(), first, last, quantity)
        few = len(self.street.free(thing, first, last)) < quantity
        refusal = (
            type(broken) if broken
            else errors.TooManyRequests if len(mine) >= policy.MOST_ASKED
            else errors.AskedAlready if same
            else errors.DepositMissing if self.street.usable(person) < DEPOSITS[thing]
            else errors.AlreadyPromised if few
            else None
        )  # fmt: skip
        made: list[Loan] = []
        act = lambda: made.append(loans.request(self.resident(person), item, first, last, quantity=quantity))  # noqa: E731
        if not self.attempt(refusal, act):
            return multiple()
        self.street.loans[made[0].id] = Known(thing, person, first, last, quantity, made[0].due_at, made[0].reference)
        return made[0].id

    def refusal(self, known: Known, *states: str):
        """Why a loan is not in one of these states."""
        return errors.NoLongerOpen if known.overdue or known.state not in states else None

    def agree(self, key: int, first: date, last: date) -> None:
        """The model takes the first free pieces."""
        known = self.street.loans[key]
        held = dict.fromkeys(self.street.free(known.thing, first, last)[: known.quantity], last)
        self.settle(key, state="accepted", first=first, last=last, held=held, due=None)

    @rule(key=asked)
    def accept(self, key: int) -> None:
        known, loan = self.street.loans[key], self.loan(key)
        few = len(self.street.free(known.thing, known.first, known.last)) < known.quantity
        refusal = self.refusal(known, "requested") or (errors.AlreadyPromised if few else None)
        if self.attempt(refusal, lambda: loans.accept(self.owner, loan)):
            self.agree(key, known.first, known.last)

    @rule(key=asked, day=DAYS, length=LENGTHS)
    def propose(self, key: int, day: int, length: int) -> None:
        known, loan = self.street.loans[key], self.loan(key)
        first = FIRST + day * DAY
        last = first + length * DAY
        past = clock.at(first, 21 * 60) <= clock.now()
        few = len(self.street.free(known.thing, first, last)) < known.quantity
        refusal = self.refusal(known, "requested") or (
            errors.InThePast if past else errors.AlreadyPromised if few else None
        )
        if self.attempt(refusal, lambda: loans.propose(self.owner, loan, first, last)):
            self.settle(key, state="proposed", other=(first, last), due=loan.due_at)

    @rule(key=asked)
    def take_proposal(self, key: int) -> None:
        known, loan = self.street.loans[key], self.loan(key)
        refusal = self.refusal(known, "proposed")
        if refusal is None and known.other and len(self.street.free(known.thing, *known.other)) < known.quantity:
            refusal = errors.AlreadyPromised
        if self.attempt(refusal, lambda: loans.take_proposal(self.resident(known.person), loan)) and known.other:
            self.agree(key, *known.other)

    @rule(key=asked)
    def decline(self, key: int) -> None:
        known, loan = self.street.loans[key], self.loan(key)
        if self.attempt(self.refusal(known, "requested"), lambda: loans.decline(self.owner, loan, Refusal.NEEDED)):
            self.settle(key, state="declined")

    @rule(key=asked)
    def withdraw(self, key: int) -> None:
        known, loan = self.street.loans[key], self.loan(key)
        if self.attempt(self.refusal(known, *ASKED), lambda: loans.withdraw(self.resident(known.person), loan)):
            self.settle(key, state="withdrawn")

    @rule(key=asked, by_owner=st.booleans())
    def cancel(self, key: int, by_owner: bool) -> None:
        known, loan = self.street.loans[key], self.loan(key)
        late = not by_owner and clock.today() > known.first
        refusal = self.refusal(known, "accepted") or (errors.TooLateToCancel if late else None)
        person = self.owner if by_owner else self.resident(known.person)
        if self.attempt(refusal, lambda: loans.cancel(person, loan, "So it is")):
            self.settle(key, state="cancelled", held={})

    # --- changing hands ---

    @rule(key=asked, right=st.sampled_from([True, True, False]))
    def hand_over(self, key: int, right: bool) -> None:
        known, loan = self.street.loans[key], self.loan(key)
        refusal = self.refusal(known, "accepted")
        if refusal is None and clock.today() < known.first:
            refusal = errors.TooEarly
        if refusal is None and clock.today() > known.last:
            refusal = errors.NoLongerOpen
        codes: list[str] = []
        offer = lambda: codes.append(handing.offer(self.owner, loan, Way.OUT, condition=Condition.GOOD)[1])  # noqa: E731
        if not self.attempt(refusal, offer):
            return
        code = codes[0] if right else f"{(int(codes[0]) + 1) % 10**6:06}"
        others = self.street.out(known.thing) & known.held.keys()
        refusal = errors.WrongCode if not right else errors.StillOut if others else None
        if self.attempt(refusal, lambda: handing.take(self.resident(known.person), loan, Way.OUT, code)):
            self.settle(key, state="out")

    @rule(key=asked)
    def bring_back(self, key: int) -> None:
        known, loan = self.street.loans[key], self.loan(key)
        refusal = errors.NotYetHandedOver if known.state == "accepted" else self.refusal(known, "out")
        codes: list[str] = []
        person = self.resident(known.person)
        if self.attempt(
            refusal, lambda: codes.append(handing.offer(person, loan, Way.BACK, condition=Condition.GOOD)[1])
        ):
            handing.take(self.owner, loan, Way.BACK, codes[0])
            self.settle(key, state="returned", held={}, back=clock.now(), longer=None)

    @rule(key=asked, more=st.integers(-1, 3))
    def ask_longer(self, key: int, more: int) -> None:
        known, loan = self.street.loans[key], self.loan(key)
        until = known.last + more * DAY
        refusal = self.refusal(known, "out")
        if refusal is None and (more < 1 or until < clock.today()):
            refusal = errors.NotLonger
        if refusal is None and self.promised(key, known.last + DAY, until):
            refusal = errors.AlreadyPromised
        if self.attempt(refusal, lambda: longer.ask_longer(self.resident(known.person), loan, until)):
            self.settle(key, longer=until)

    @rule(key=asked, yes=st.booleans())
    def answer_longer(self, key: int, yes: bool) -> None:
        known, loan = self.street.loans[key], self.loan(key)
        refusal = self.refusal(known, "out") or (None if known.longer else errors.NoLongerOpen)
        if refusal is None and yes and known.longer and self.promised(key, known.first, known.longer):
            refusal = errors.AlreadyPromised
        if self.attempt(refusal, lambda: longer.allow_longer(self.owner, loan, yes=yes)) and known.longer:
            self.settle(
                key,
                longer=None,
                **({"last": known.longer, "held": dict.fromkeys(known.held, known.longer)} if yes else {}),
            )

    def promised(self, key: int, first: date, last: date) -> bool:
        """Whether others have one of its pieces then."""
        known = self.street.loans[key]
        others = [one for other, one in self.street.loans.items() if other != key and one.thing == known.thing]
        return any(one.holds(unit, first, last) for one in others for unit in known.held)

    @rule(target=asked, person=PEOPLE, length=LENGTHS, kept=st.sampled_from([None, 0, 25]))
    def lend_at_once(self, person: int, length: int, kept: int | None):
        """All the way on one day, which random steps rarely go."""
        made = self.request("drill", person, (clock.today() - FIRST).days, length, 1)
        if isinstance(made, int):
            self.accept(made)
            self.hand_over(made, True)
            if kept is not None and self.street.loans[made].state == "out":
                self.bring_back(made)
                self.damaged(made, kept or 70)
        return made

    # --- when something went wrong ---

    def make_good(self, key: int, trouble: Trouble, kept: int) -> None:
        """The owner reports it, the borrower offers a part of the deposit, and the owner agrees."""
        problem = problems.report(self.owner, self.loan(key), trouble, "So it is.")
        offered = problems.offer(self.resident(self.street.loans[key].person), problem, Remedy.DEPOSIT, minutes=kept)
        problems.accept(self.owner, problem, offered.id)
        self.settle(key, kept=self.street.loans[key].kept + kept)

    @rule(key=asked, kept=st.integers(1, 70))
    def damaged(self, key: int, kept: int) -> None:
        known = self.street.loans[key]
        if not (known.state == "returned" and known.back and clock.now() < known.back + DAY and known.put_aside):
            return
        if known.kept + kept <= known.put_aside:
            self.make_good(key, Trouble.DAMAGED, kept)
        elif known.kept < known.put_aside:
            problem = problems.report(self.owner, self.loan(key), Trouble.DAMAGED, "So it is.")
            with pytest.raises(errors.MoreThanDeposit), db.session.begin_nested():
                problems.offer(self.owner, problem, Remedy.DEPOSIT, minutes=kept)
            problems.withdraw(self.owner, problem)

    @rule(key=asked, kept=st.integers(1, 60))
    def lost(self, key: int, kept: int) -> None:
        known = self.street.loans[key]
        if known.state != "out" or clock.today() < known.last + 3 * DAY or not known.put_aside:
            return
        self.make_good(key, Trouble.NOT_BACK, kept)
        self.street.gone |= {(known.thing, unit) for unit in known.held}
        self.settle(key, state="closed", held={})

    @rule(person=PEOPLE)
    def leave(self, person: int) -> None:
        forgetting.give_up_requests(self.resident(person))
        for key, known in self.street.loans.items():
            if known.person == person and known.state in ASKED:
                self.settle(key, state="expired" if known.overdue else "withdrawn")

    # --- time ---

    @rule(hours=st.sampled_from([1, 5, 14, 30, 80]))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        self.stop_clock()

    @rule()
    def run_out(self) -> None:
        loans.run_out()
        for key, known in self.street.loans.items():
            if known.overdue:
                self.settle(key, state="expired")
            elif known.state == "accepted" and known.last < clock.today():
                self.settle(key, state="cancelled", held={})
            elif known.state == "returned" and known.back and known.back <= clock.now() - loans.CLOSED_AFTER:
                self.settle(key, state="closed")

    @rule()
    def a_day_later(self) -> None:
        """What was brought back is over."""
        self.wait(30)
        self.run_out()

    @rule()
    def hold_late(self) -> None:
        longer.hold_late()
        for key in sorted(self.street.loans):
            known = self.street.loans[key]
            if known.state != "out" or known.last >= clock.today():
                continue
            others = [one for other, one in self.street.loans.items() if other != key and one.thing == known.thing]
            for unit, held in known.held.items():
                for last in (clock.today() + DAY, clock.today()):
                    if held >= last:
                        break
                    if not any(one.holds(unit, known.first, last) for one in others):
                        self.settle(key, held={**self.street.loans[key].held, unit: last})
                        break

    # --- what is always so ---

    @invariant()
    def what_is_held_is_held_for_loans_that_go_on_and_nothing_is_lost(self) -> None:
        open_deposits = sa.select(Deposit.subject, Deposit.amount).where(Deposit.settled_at.is_(None))
        held = {f"loan:{key}": one.put_aside for key, one in self.street.loans.items() if one.put_aside}
        assert dict(db.session.execute(open_deposits).all()) == held
        wallets = sa.select(ledger.Account.owner, ledger.Account.balance).where(ledger.Account.kind == "wallet")
        balances = {int(owner.partition(":")[2]): balance for owner, balance in db.session.execute(wallets)}
        for number, person_id in enumerate(self.people_ids):
            assert balances[person_id] == self.street.usable(number)
        kept = sum(one.kept for one in self.street.loans.values() if one.state == "closed")
        assert balances.get(self.owner_id, 0) == kept
        assert ledger.verify() == []

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
        rows = db.session.execute(sa.select(Loan.id, Loan.state, Loan.first_day, Loan.last_day, Loan.longer_until))
        told = {row.id: (row.state.value, row.first_day, row.last_day, row.longer_until) for row in rows}
        assert told == {key: (one.state, one.first, one.last, one.longer) for key, one in self.street.loans.items()}
        whole = days(FIRST - 30 * DAY, FIRST + 90 * DAY)
        for name, resources in self.resources.items():
            busy = occupancy.busy(resources, whole)
            for unit, resource_id in enumerate(resources):
                mine = [one for one in self.street.loans.values() if one.thing == name and unit in one.held]
                assert busy[resource_id] == merged(days(one.first, one.held[unit]) for one in mine)


def test_loans_behave_as_the_model_does():
    run_state_machine_as_test(
        Loans,
        settings=settings(
            max_examples=12, stateful_step_count=30, deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )  # fmt: skip
