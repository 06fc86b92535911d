"""A year of loans: who had which thing when, as it is now, and what waits for the accounts to look around with.

All that happened did so before today, whatever the hour; the loans of each piece follow one another, each back before
the next begins.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import accumulate
from random import Random
from typing import Any

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, things
from marketplace.kernel.occupancy import Kind as Holding
from marketplace.portal.demo.service import clubs, purses, rows, words
from marketplace.portal.demo.service.holds import Holds
from marketplace.portal.demo.service.inbox import Inbox
from marketplace.portal.demo.service.people import Crowd
from marketplace.portal.demo.service.reviews import Reviewing
from marketplace.portal.demo.service.stock import OF_THE_RESIDENT, PLAIN, Lent
from marketplace.portal.demo.service.watch import Watch
from marketplace.sharing.items import policy
from marketplace.sharing.items.models.lending import (
    Handover,
    HandoverPart,
    InLine,
    Loan,
    LoanPiece,
    LoanState,
    Refusal,
    Way,
    days,
)
from marketplace.sharing.items.models.listing import Audience, Condition, DepositUnit, ItemUnit, UnitState
from marketplace.sharing.items.models.reviews import Review
from marketplace.sharing.items.service.longer import STAGES

DAY = timedelta(days=1)
YEAR, AHEAD, LATELY = 365, 21, 30
CHUNK = 5_000
LENGTHS = (1, 1, 2, 2, 2, 3, 3, 4, 5, 7, 7, 10)
MEAN_LENGTH, MEAN_LISTED = 3.5, 220
POPULAR = 2.5
"""How much more often than a neighbour's a library's things are borrowed."""

CARELESS, LATE, CARELESS_LATE, KEPT, FRESH, DIFFERENT = 0.08, 0.04, 0.4, 0.008, 0.3, 0.03
NOTHING_CAME_OF_IT = (
    (0.07, LoanState.DECLINED), (0.10, LoanState.WITHDRAWN), (0.13, LoanState.EXPIRED), (0.17, LoanState.CANCELLED),
)  # fmt: skip
"""Up to which share of the requests what became of them."""

HELD = (LoanState.ACCEPTED, LoanState.OUT)
TAKEN = (LoanState.OUT, LoanState.RETURNED, LoanState.CLOSED)
BACK = (LoanState.RETURNED, LoanState.CLOSED)


def lend(
    random: Random, count: int, lent: list[Lent], crowd: Crowd, founded: clubs.Clubs, reviewing: Reviewing,
    inbox: Inbox, watch: Watch,
) -> int:  # fmt: skip
    """Write about so many loans, and how some of them went; says how many there are."""
    lending = _Lending(random, crowd, founded, reviewing, inbox)
    staged = lending.stage(lent)
    weights = [POPULAR if one.item.library_id else 1.0 for one in lent]
    each = count / sum(weight * len(one.lots) for weight, one in zip(weights, lent, strict=True))
    for one, weight in zip(watch(lent, "Lending things"), weights, strict=True):
        for lot in one.lots:
            ends = LATELY if (one.item.id in staged or lot[0].state is UnitState.REPAIR) else -AHEAD
            lending.fill(one, lot, each * weight * random.triangular(0.1, 2.4, 0.5), lending.today - ends * DAY)
        lending.sink.flush(CHUNK)
    lending.sink.flush()
    purses.fill(lending.in_time, crowd.shown["resident"], crowd.shown["admin"], lending.midnight)
    return lending.sink.written


@dataclass(slots=True)
class _Sink:
    """Rows on their way to the database."""

    holds: Holds = field(default_factory=Holds)
    loans: list[dict[str, Any]] = field(default_factory=list)
    pieces: list[dict[str, Any]] = field(default_factory=list)
    handovers: list[dict[str, Any]] = field(default_factory=list)
    parts: list[dict[str, Any]] = field(default_factory=list)
    line: list[dict[str, Any]] = field(default_factory=list)
    reviews: list[dict[str, Any]] = field(default_factory=list)
    written: int = 0

    def flush(self, at_least: int = 1) -> None:
        if len(self.loans) < at_least:
            return
        self.written += len(self.loans)
        self.holds.flush()
        rows.insert(Loan, self.loans)
        rows.insert(LoanPiece, self.pieces)
        rows.insert(Handover, self.handovers)
        rows.insert(HandoverPart, self.parts)
        rows.insert(InLine, self.line)
        rows.insert(Review, self.reviews)


class _Lending:
    def __init__(self, random: Random, crowd: Crowd, founded: clubs.Clubs, reviewing: Reviewing, inbox: Inbox) -> None:
        self.random, self.inbox, self.shown, self.today = random, inbox, crowd.shown, clock.today()
        self.in_time: list[dict[str, Any]] = []
        self.midnight, self.reviewing = clock.at(self.today, 0), reviewing
        self.sink = _Sink(reviews=reviewing.written)
        self.ids, self.handover_ids = rows.numbers(Loan), rows.numbers(Handover)
        self.part_ids, self.line_ids = rows.numbers(HandoverPart), rows.numbers(InLine)
        self.people = {person.id: person for person in crowd.people}
        self.residents = [person for person in crowd.bookers if person.verified_at]
        self.weights = list(accumulate(random.paretovariate(2) for _ in self.residents))
        self.careless = {one.id for one in random.sample(self.residents, round(CARELESS * len(self.residents)))}
        self.near: dict[int | None, list[Person]] = {}
        for person in self.residents:
            self.near.setdefault(person.district_id, []).append(person)
        verified = {person.id: person for person in self.residents}
        self.asked: set[tuple[int, int, date]] = set()
        self.members = {
            group_id: [verified[one] for one in members if one in verified]
            for group_id, members in founded.members.items()
        }

    # --- one piece after another ---

    def fill(self, lent: Lent, lot: list[ItemUnit], count: float, ends: date) -> None:
        """Lend pieces that go out together about so often, one loan after the other, up to a day."""
        random, item = self.random, lent.item
        known = clock.local(item.listed_at).date() + DAY
        gap = max(MEAN_LISTED / max(count, 0.1) - MEAN_LENGTH, 1)
        day = max(known + max(1, item.notice_days) * DAY, self.today - YEAR * DAY)
        while (day := day + int(random.expovariate(1 / gap)) * DAY) <= ends:
            first = self._handed_over(lent, day)
            last = self._last(lent, first, random.choice(LENGTHS))
            borrower = self._borrower(lent, self.midnight if first >= self.today else clock.at(first - DAY, 0))
            unsure = first > self.today and random.random() < (first - self.today).days / AHEAD
            if borrower is None or last > ends or unsure or (item.id, borrower.id, first) in self.asked:
                day += DAY
                continue
            self.asked.add((item.id, borrower.id, first))
            state, back = self._what_became(lent, borrower, first, last)
            if back is not None and back > ends:
                state, back = LoanState.CLOSED, last
            self.write(lent, lot, borrower, state, first, last, back)
            if state is LoanState.OUT and last < self.today:
                break
            day = first + DAY if state not in (*HELD, *BACK) else (back or last) + DAY

    def _what_became(self, lent: Lent, borrower: Person, first: date, last: date) -> tuple[LoanState, date | None]:
        """Where a loan of these days stands today, and on which day it was brought back."""
        random = self.random
        if first > self.today and random.random() < FRESH:
            return random.choice((LoanState.REQUESTED, LoanState.REQUESTED, LoanState.PROPOSED)), None
        chance = random.random()
        for up_to, state in NOTHING_CAME_OF_IT:
            if chance < up_to and (state is not LoanState.EXPIRED or first < self.today):
                return state, None
        if first >= self.today:
            return LoanState.ACCEPTED, None
        if last >= self.today or (last > self.today - LATELY * DAY and random.random() < KEPT):
            return LoanState.OUT, None
        late = random.random() < (CARELESS_LATE if borrower.id in self.careless else LATE)
        back = self._handed_over(lent, last + random.randrange(1, 7) * DAY) if late else last
        if back >= self.today:
            return LoanState.OUT, None
        return (LoanState.RETURNED if back == self.today - DAY else LoanState.CLOSED), back

    def _handed_over(self, lent: Lent, day: date) -> date:
        """The first day from then on when it is handed over."""
        while not policy.hours(lent.item, day):
            day += DAY
        return day

    def _last(self, lent: Lent, first: date, length: int) -> date:
        """The last day on which it is taken back within some days from the first, no more than its owner allows."""
        last = first + (min(length, lent.item.longest_days) - 1) * DAY
        while not policy.hours(lent.item, last):
            last -= DAY
        return last

    def _borrower(self, lent: Lent, known: datetime) -> Person | None:
        """A verified resident who may borrow it and was one by then; nobody from whom it is fetched."""
        item = lent.item
        if item.audience is Audience.GROUP:
            able = self.members.get(item.group_id or 0, [])
        elif item.audience is Audience.DISTRICT:
            able = self.near.get(item.district_id, [])
        else:
            able = self.random.choices(self.residents, cum_weights=self.weights, k=8)
        resident = self.shown["resident"].id
        able = [
            one for one in able
            if one.id not in (lent.keeper_id, resident) and one.verified_at and one.verified_at < known - LATELY * DAY
        ]  # fmt: skip
        return self.random.choice(able) if able else None

    # --- for the accounts to look around with ---

    def stage(self, lent: list[Lent]) -> set[int]:
        """Let something of each kind wait for the accounts shown; says which things it is about."""
        resident, newcomer, manager = (self.shown[who] for who in ("resident", "newcomer", "manager"))
        own = [one for one in lent if one.item.owner_id == resident.id][: OF_THE_RESIDENT - 1]
        new = [one for one in lent if one.item.owner_id == newcomer.id]
        shown = {person.id for person in self.shown.values()}
        others = [one for one in lent if one.item.owner_id is not None and one.item.owner_id not in shown][:6]
        library = [one for one in lent if one.keeper_id == manager.id and one.item.library_id is not None]
        shelf = library[:PLAIN]
        today, requested, out = self.today, LoanState.REQUESTED, LoanState.OUT
        plans: list[tuple[Lent, Person | None, LoanState, int, int]] = [
            (own[0], None, requested, 3, 2), (own[1], None, LoanState.ACCEPTED, 0, 2), (own[2], None, out, -2, 4),
            (own[3], None, out, -6, 4), (own[4], None, LoanState.RETURNED, -4, 4), (new[0], None, requested, 2, 3),
            (others[0], resident, requested, 4, 2), (others[1], resident, LoanState.PROPOSED, 2, 2),
            (others[2], resident, LoanState.ACCEPTED, 0, 3), (others[3], resident, out, -3, 5),
            (others[4], resident, LoanState.RETURNED, -3, 3), (others[5], resident, LoanState.CLOSED, -20, 3),
            (others[5], resident, LoanState.CLOSED, -14, 2), (others[5], resident, LoanState.CLOSED, -8, 4),
            (shelf[0], None, requested, 2, 3), (shelf[1], None, out, -24, 4), (shelf[2], None, out, -3, 6),
            (shelf[3], resident, LoanState.ACCEPTED, 1, 3),
        ]  # fmt: skip
        for one, who, state, ahead, length in plans:
            borrower = who or self._borrower(one, self.midnight - LATELY * DAY)
            if borrower is not None:
                first = today + ahead * DAY
                first = self._handed_over(one, first) if ahead > 0 or one.item.owner_id else self._earlier(one, first)
                last = self._last(one, first, length)
                back = last if state in BACK else None
                self._tell(one, borrower, self.write(one, one.lots[0], borrower, state, first, last, back), state)
        if waiting := self._borrower(own[3], self.midnight):
            self._wait(own[3], waiting)
        self._wait(shelf[1], resident)
        return {one.item.id for one, *_plan in plans}

    def _earlier(self, lent: Lent, day: date) -> date:
        while not policy.hours(lent.item, day):
            day -= DAY
        return day

    def _tell(self, lent: Lent, borrower: Person, loan: dict[str, Any], state: LoanState) -> None:
        """News of what waits: for the lender a request, for the borrower an answer."""
        subject, shown = things.subject("loan", loan["id"]), {one.id for one in self.shown.values()}
        if state is LoanState.REQUESTED and lent.keeper_id in shown:
            self.inbox.tell(self.people[lent.keeper_id], "items.asked", subject, loan["asked_at"])
        if borrower.id in shown and loan["accepted_at"]:
            self.inbox.tell(borrower, "items.accepted", subject, loan["accepted_at"])
        if borrower.id in shown and state is LoanState.PROPOSED:
            self.inbox.tell(borrower, "items.proposed", subject, loan["due_at"] - policy.ANSWER_WITHIN)

    def _wait(self, lent: Lent, person: Person) -> None:
        """Stand in line for a thing that someone else has."""
        joined = self.midnight - timedelta(hours=self.random.randrange(3, 14))
        self.sink.line.append(
            {"id": next(self.line_ids), "item_id": lent.item.id, "person_id": person.id, "days": 2, "joined_at": joined}
        )

    # --- one loan ---

    def write(
        self, lent: Lent, lot: list[ItemUnit], borrower: Person, state: LoanState, first: date, last: date,
        back: date | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Write a loan with its pieces and hand-overs, as the service would have left them."""
        random, item, said = self.random, lent.item, words.things()
        asked = self._asked(lent, state, first)
        loan: dict[str, Any] = {
            "id": (number := next(self.ids)), "reference": rows.reference(number), "item_id": item.id,
            "borrower_id": borrower.id, "first_day": first, "last_day": last, "quantity": len(lot), "state": state,
            "message": random.choice(said["wishes"])[borrower.language != "ko"], "reason": "", "refusal": None,
            "other_first": None, "other_last": None, "due_at": None, "decided_by_id": None, "fee": item.fee,
            "deposit": item.deposit, "deposit_unit": item.deposit_unit, "asked_at": asked, "accepted_at": None,
            "out_at": None, "returned_at": None, "ended_at": None, "longer_until": None, "reminded": 0, "changed": 0,
            "version": 1,
        }  # fmt: skip
        latest = min(clock.at(first, policy.hours(item, first)[0][0]), self.midnight) - timedelta(minutes=5)
        answered = min(asked + timedelta(minutes=random.randrange(10, 1_200)), latest)
        if state in (*TAKEN, LoanState.ACCEPTED, LoanState.CANCELLED):
            at_once = item.trusts and random.random() < 0.5
            loan |= {"accepted_at": asked if at_once else answered, "changed": 1}
            loan["decided_by_id"] = None if at_once else lent.keeper_id
            self._promise(loan, lot)
        if state in TAKEN:
            self._hand_over(loan, lent, borrower, back)
            self._review(loan, lent, borrower)
        elif state is not LoanState.ACCEPTED:
            self._end_early(loan, lent, borrower, answered, latest)
        self.sink.loans.append(loan)
        if item.deposit and item.deposit_unit is DepositUnit.TIME:
            self.in_time.append(loan)
        return loan

    def _review(self, loan: dict[str, Any], lent: Lent, borrower: Person) -> None:
        """How it went, once it was brought back; of the resident's loans both wrote, lately the other side alone."""
        if loan["returned_at"] is None:
            return
        resident, surely = self.shown["resident"], None
        if resident.id in (borrower.id, lent.keeper_id):
            surely = (True, False) if loan["state"] is LoanState.CLOSED else (borrower is not resident,)
        opened = self.reviewing.about(loan, lent, borrower, surely)
        if opened and borrower is resident:
            self.inbox.tell(resident, "items.reviews_open", things.subject("loan", loan["id"]), opened)

    def _asked(self, lent: Lent, state: LoanState, first: date) -> datetime:
        """When it was asked for: yesterday what still waits, else some days before, after it was listed."""
        item, ahead = lent.item, 1 + int(self.random.expovariate(1 / 4))
        day = first - max(item.notice_days, ahead) * DAY
        if state in (LoanState.REQUESTED, LoanState.PROPOSED):
            day = self.today - DAY
        day = max(min(day, self.today - DAY), clock.local(item.listed_at).date() + DAY)
        return clock.at(day, self.random.randrange(7 * 60, 22 * 60))

    def _promise(self, loan: dict[str, Any], lot: list[ItemUnit]) -> None:
        """Its pieces; they are held while it is agreed or out, what is late for another day."""
        state, last = loan["state"], loan["last_day"]
        until = self.today + DAY if state is LoanState.OUT and last < self.today else last
        held = days(loan["first_day"], until)
        for unit in lot:
            number = None
            if state in HELD:
                own = [unit.resource_id]
                number = self.sink.holds.hold(own[0], own, held.starts_at, held.ends_at, Holding.LOAN)
            self.sink.pieces.append(
                {"loan_id": loan["id"], "unit_id": unit.id, "occupancy_id": number, "is_out": state is LoanState.OUT}
            )

    def _hand_over(self, loan: dict[str, Any], lent: Lent, borrower: Person, back: date | None) -> None:
        """Out on the first day, and back."""
        condition = lent.item.condition
        loan["out_at"] = self._change_hands(
            loan, lent, Way.OUT, lent.keeper_id, borrower.id, loan["first_day"], condition
        )
        loan["changed"] = 2
        if back is None:
            late = (self.today - DAY - loan["last_day"]).days
            loan["reminded"] = sum(late >= stage for stage in STAGES)
            return
        worse = Condition.WORN if self.random.random() < DIFFERENT else condition
        loan["returned_at"] = self._change_hands(loan, lent, Way.BACK, borrower.id, lent.keeper_id, back, worse)
        loan["changed"] = 3
        if loan["state"] is LoanState.CLOSED:
            loan |= {"ended_at": loan["returned_at"] + DAY, "changed": 4}

    def _change_hands(
        self, loan: dict[str, Any], lent: Lent, way: Way, giver: int, taker: int, day: date, condition: Condition
    ) -> datetime:
        """The thing goes from one to the other, in the earlier half of the hours on its way out, in the later back."""
        random, (opens, closes) = self.random, policy.hours(lent.item, day)[0]
        middle = (opens + closes) // 2
        at = clock.at(day, random.randrange(opens, middle) if way is Way.OUT else random.randrange(middle, closes))
        differs = way is Way.BACK and (condition is not lent.item.condition or random.random() < DIFFERENT)
        korean = lent.korean
        number = next(self.handover_ids)
        self.sink.handovers.append(
            {
                "id": number, "loan_id": loan["id"], "way": way, "given_by_id": giver, "condition": condition,
                "note": "", "nonce": "", "tries": 0, "made_at": at - timedelta(minutes=3), "taken_by_id": taker,
                "taken_at": at, "agreed": not differs,
                "remark": random.choice(words.things()["remarks"])[not korean] if differs else "",
            }
        )  # fmt: skip
        for part in lent.parts:
            expected = part.count * loan["quantity"]
            missing = way is Way.BACK and expected > 1 and random.random() < DIFFERENT
            self.sink.parts.append(
                {
                    "id": next(self.part_ids), "handover_id": number, "name": part.name, "expected": expected,
                    "counted": expected - missing,
                }
            )  # fmt: skip
        return at

    def _end_early(
        self, loan: dict[str, Any], lent: Lent, borrower: Person, answered: datetime, latest: datetime
    ) -> None:
        """What was not agreed, is not yet, or was given up before its first day."""
        random, said, state = self.random, words.things(), loan["state"]
        due = min(loan["asked_at"] + policy.ANSWER_WITHIN, policy.hours_end(lent.item, loan["first_day"]))
        if state is LoanState.REQUESTED:
            loan["due_at"] = due
        elif state is LoanState.PROPOSED:
            other = self._handed_over(lent, loan["last_day"] + DAY)
            loan |= {"other_first": other, "other_last": self._last(lent, other, 3), "changed": 1}
            loan |= {"decided_by_id": lent.keeper_id, "due_at": answered + policy.ANSWER_WITHIN}
        elif state is LoanState.EXPIRED:
            loan |= {"ended_at": due, "changed": 1}
        elif state is LoanState.WITHDRAWN:
            loan |= {"ended_at": answered, "changed": 1}
        elif state is LoanState.DECLINED:
            reason = random.choice(said["declined"])[not lent.korean]
            refusal = random.choice((Refusal.NEEDED, Refusal.AWAY, Refusal.BROKEN, Refusal.SHORT))
            loan |= {"ended_at": answered, "changed": 1, "decided_by_id": lent.keeper_id}
            loan |= {"refusal": refusal, "reason": reason}
        else:
            who = random.choice((borrower.id, borrower.id, lent.keeper_id))
            spare = max(int((latest - loan["accepted_at"]).total_seconds()) // 60, 1)
            ended = loan["accepted_at"] + timedelta(minutes=random.randrange(spare))
            reason = random.choice(said["given_up"])[borrower.language != "ko"]
            loan |= {"ended_at": ended, "changed": 2, "decided_by_id": who, "reason": reason}
