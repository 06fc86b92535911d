"""What the accounts to look around with find in their inboxes: told long ago, without a letter."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from marketplace.civic.accounts.models import Person
from marketplace.civic.notifications.models import Cadence, Notice, news
from marketplace.kernel import clock, things, words
from marketplace.portal.demo.service import rows

UNREAD = timedelta(days=2)


@dataclass(slots=True)
class Inbox:
    """Gathers notices until everything they tell of is written."""

    told: list[tuple[datetime, Person, str, str, dict[str, Any]]] = field(default_factory=list)

    def tell(self, person: Person, name: str, subject: str, at: datetime, /, **facts: Any) -> None:
        """Have a person told something of a thing, at a moment before today."""
        self.told.append((at, person, name, subject, facts))

    def write(self) -> int:
        """Write the notices, the oldest first; those of more than two days ago were read. Says how many there are."""
        known = things.find_all({subject for _at, _person, _name, subject, _facts in self.told})
        ids = rows.numbers(Notice)
        unread_since = clock.at(clock.today(), 0) - UNREAD
        made = []
        for at, person, name, subject, facts in sorted(self.told, key=lambda one: (one[0], one[1].id, *one[2:4])):
            with words.speaking(person.language):
                title = " ".join(str(news(name).title(known[subject], facts)).split())[:200]
            made.append(
                Notice(
                    id=next(ids), person_id=person.id, news=name, subject=subject, language=person.language,
                    title=title, facts=facts, created_at=at, read_at=at if at < unread_since else None,
                    letter=Cadence.OFF,
                )
            )  # fmt: skip
        rows.write(made)
        return len(made)
