"""Time credits of the fictional city: given for hours helped, put down for loans, and given back when these end."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any

from marketplace.civic.accounts.models import Person
from marketplace.civic.credits import policy
from marketplace.civic.credits.models import CITY, TIME, Deposit, Grant, Kind, Why
from marketplace.kernel import ledger
from marketplace.kernel.ledger import Account, Movement
from marketplace.kernel.things import subject
from marketplace.portal.demo.service import rows, words

SPARE = 2 * policy.HOUR
DAY = timedelta(days=1)


def fill(loans: list[dict[str, Any]], resident: Person, clerk: Person, now: datetime) -> None:
    """Give those who made these loans, and the resident, credits enough for the deposits, and write what moved."""
    books = _Books()
    mine: dict[int, list[dict[str, Any]]] = {resident.id: []}
    for loan in sorted(loans, key=lambda one: one["id"]):
        mine.setdefault(loan["borrower_id"], []).append(loan)
    for number, (person_id, theirs) in enumerate(mine.items()):
        first = min((loan["asked_at"] for loan in theirs), default=now)
        books.give(person_id, _most_at_once(theirs) + SPARE, first - DAY, clerk.id, number)
        for loan in theirs:
            books.put_down(loan)
    books.write()


def _most_at_once(loans: list[dict[str, Any]]) -> int:
    """How many minutes are held at the fullest moment."""
    changes = [(loan["asked_at"], 0, loan["deposit"]) for loan in loans]
    changes += [(loan["ended_at"], 1, -loan["deposit"]) for loan in loans if loan["ended_at"]]
    return max(accumulate(change for _at, _order, change in sorted(changes)), default=0)


class _Books:
    def __init__(self) -> None:
        self.account_ids, self.deposit_ids = rows.numbers(Account), rows.numbers(Deposit)
        self.grant_ids = rows.numbers(Grant)
        self.accounts: list[dict[str, Any]] = []
        self.grants: list[dict[str, Any]] = []
        self.deposits: list[dict[str, Any]] = []
        self.moves: list[dict[str, Any]] = []
        self.wallets: dict[int, int] = {}
        self.issue: int | None = None

    def give(self, person_id: int, amount: int, at: datetime, by: int, number: int) -> None:
        """Have staff give someone credits, as much at once as they may."""
        if self.issue is None:
            self.issue = self._open(CITY, Kind.ISSUE, at, floor=None)
        wallet = self.wallets[person_id] = self._open(subject("person", person_id), Kind.WALLET, at)
        reasons = words.things()["helped"]
        for part in _parts(amount):
            grant = next(self.grant_ids)
            self.grants.append(
                {"id": grant, "person_id": person_id, "amount": part, "reason": reasons[number % len(reasons)],
                 "made_at": at, "made_by_id": by, "taken_back_at": None}
            )  # fmt: skip
            about = subject("credit_grant", grant)
            self._move(self.issue, wallet, part, Why.GRANTED, about, f"granted {about}", at, by)

    def put_down(self, loan: dict[str, Any]) -> None:
        """Hold the deposit of a loan from the request to its end."""
        number, person_id, amount = next(self.deposit_ids), loan["borrower_id"], loan["deposit"]
        asked, ended, about = loan["asked_at"], loan["ended_at"], subject("loan", loan["id"])
        self.deposits.append(
            {"id": number, "subject": about, "person_id": person_id, "unit": TIME, "amount": amount, "made_at": asked,
             "kept": 0 if ended else None, "settled_at": ended}
        )  # fmt: skip
        held, wallet = self._open(subject("deposit", number), ledger.HELD, asked), self.wallets[person_id]
        self._move(wallet, held, amount, Why.DEPOSITED, about, f"deposited {number}", asked, person_id)
        if ended:
            self._move(held, wallet, amount, Why.RETURNED, about, f"returned {number}", ended, None)

    def write(self) -> None:
        """Write it all, the movements in their order, which the database carries out."""
        ids = rows.numbers(Movement)
        self.moves.sort(key=lambda one: one["made_at"])
        for one in self.moves:
            one["id"] = next(ids)
        for model, made in (
            (Account, self.accounts), (Grant, self.grants), (Deposit, self.deposits), (Movement, self.moves)
        ):  # fmt: skip
            rows.insert(model, made)

    def _open(self, owner: str, kind: str, at: datetime, floor: int | None = 0) -> int:
        number = next(self.account_ids)
        self.accounts.append(
            {"id": number, "owner": owner, "kind": kind, "unit": TIME, "floor": floor, "balance": 0, "opened_at": at}
        )
        return number

    def _move(
        self, source: int, target: int, amount: int, why: Why, about: str, key: str, at: datetime, by: int | None
    ) -> None:
        self.moves.append(
            {"source_id": source, "target_id": target, "unit": TIME, "amount": amount, "why": why.value,
             "subject": about, "key": key, "made_at": at, "made_by_id": by}
        )  # fmt: skip


def _parts(amount: int) -> Iterator[int]:
    while amount > 0:
        yield min(amount, policy.MOST_AT_ONCE)
        amount -= policy.MOST_AT_ONCE
