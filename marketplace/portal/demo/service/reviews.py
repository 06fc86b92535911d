"""How loans of the fictional city went: what both sides wrote of some of them, when it opened, and replies."""

from collections.abc import Collection
from datetime import datetime, timedelta
from random import Random
from typing import Any

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock
from marketplace.portal.demo.service import rows, words
from marketplace.portal.demo.service.stock import Lent
from marketplace.sharing.items import policy
from marketplace.sharing.items.models.reviews import Review
from marketplace.sharing.items.service.forgetting import WORDS_KEPT

BORROWERS, NEIGHBOURS, LIBRARIES = 0.4, 0.35, 0.05
"""Which share of them writes how a loan went."""

GOOD, BAD, REPLIES = 0.9, 0.25, 0.2
A_DAY = 24 * 60


class Reviewing:
    """Writes about loans that were brought back, all of it before today."""

    def __init__(self, random: Random) -> None:
        self.random, self.midnight = random, clock.at(clock.today(), 0)
        self.ids, self.written = rows.numbers(Review), list[dict[str, Any]]()

    def about(
        self, loan: dict[str, Any], lent: Lent, borrower: Person, surely: Collection[bool] | None = None
    ) -> datetime | None:
        """Have both sides write about a loan, or one, or neither; since when what was written is open, if it is.

        surely   the sides that write, by whether it is the borrower, where that is not left to chance
        """
        back: datetime = loan["returned_at"]
        closes = back + policy.REVIEWED_WITHIN
        if closes <= self.midnight - WORDS_KEPT + policy.REVIEWED_WITHIN:
            return None
        wish = NEIGHBOURS if lent.item.owner_id else LIBRARIES
        made = [
            self._one(loan, lent, borrower, by_borrower, closes)
            for by_borrower, share in ((True, BORROWERS), (False, wish))
            if (self.random.random() < share if surely is None else by_borrower in surely)
        ]
        if len(made) == 2:
            for one in made:
                one["opens_at"] = max(one["written_at"] for one in made)
        for one in made:
            if one["opens_at"] < self.midnight:
                one["told_at"] = one["opens_at"]
                self._reply(one, lent, borrower)
        self.written += made
        return made[0]["told_at"] if made else None

    def _one(
        self, loan: dict[str, Any], lent: Lent, borrower: Person, by_borrower: bool, closes: datetime
    ) -> dict[str, Any]:
        random, said = self.random, words.neighbours()["reviews"]
        english = borrower.language != "ko" if by_borrower else not lent.korean
        about = said["things" if by_borrower else "borrowers"]
        late = clock.local(loan["returned_at"]).date() > loan["last_day"]
        bad = random.choice(about["bad"])[english] if random.random() < BAD else ""
        if late and not by_borrower:
            bad = said["late"][english]
        good = random.choice(about["good"])[english] if not bad or random.random() < GOOD else ""
        minutes = min(5 * A_DAY, int((self.midnight - loan["returned_at"]).total_seconds()) // 60)
        return {
            "id": next(self.ids), "loan_id": loan["id"], "by_borrower": by_borrower,
            "author_id": borrower.id if by_borrower else lent.keeper_id, "borrower_id": borrower.id,
            "owner_id": lent.item.owner_id, "for_group": False, "good": good, "bad": bad,
            "written_at": loan["returned_at"] + timedelta(minutes=random.randrange(20, minutes)), "opens_at": closes,
            "closes_at": closes, "told_at": None, "reply": "", "reply_by_id": None, "replied_at": None,
            "hidden_at": None, "reply_hidden_at": None,
        }  # fmt: skip

    def _reply(self, one: dict[str, Any], lent: Lent, borrower: Person) -> None:
        """The other side may have answered a day or two later."""
        at = one["opens_at"] + timedelta(minutes=self.random.randrange(30, 2 * A_DAY))
        if self.random.random() >= REPLIES or at >= self.midnight:
            return
        english = not lent.korean if one["by_borrower"] else borrower.language != "ko"
        about = words.neighbours()["reviews"]["things" if one["by_borrower"] else "borrowers"]
        said = self.random.choice(about["sorry" if one["bad"] else "thanks"])[english]
        replier = lent.keeper_id if one["by_borrower"] else borrower.id
        one |= {"reply": said, "reply_by_id": replier, "replied_at": at}
