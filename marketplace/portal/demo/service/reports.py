"""What people of the fictional city found wrong: reports that wait for a moderator, and a decision that is appealed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from marketplace.civic.accounts.models import Person
from marketplace.civic.moderation.models import DUE, HARM, Act, Appeal, Case, CaseState, Decision, Reason, Report
from marketplace.civic.moderation.policy import UNDO
from marketplace.civic.moderation.service.appeals import ANSWERED_IN
from marketplace.kernel import clock, things, words
from marketplace.portal.demo.service import clubs, rows
from marketplace.portal.demo.service.inbox import Inbox
from marketplace.portal.demo.service.people import Crowd
from marketplace.portal.demo.service.talks import Insult
from marketplace.portal.demo.service.words import neighbours
from marketplace.sharing.items.models.listing import Item

REFERENCE = 10
DECIDED_AGO = timedelta(days=6)


def report(
    random: Random, crowd: Crowd, founded: clubs.Clubs, insult: Insult | None, room_id: int, item: Item, inbox: Inbox
) -> int:
    """Write the cases with their reports; says how many wait for a moderator."""
    filing = _Filing(random, crowd)
    said = neighbours()["reports"]
    by_id = {person.id: person for person in crowd.people}
    if insult is not None:
        at, read = filing.midnight - timedelta(hours=1), [(by_id[insult.reader_id], said["message"])]
        filing.case(f"message:{insult.message_id}", insult.author_id, Reason.OFFENSIVE, read, at)
    filing.case(f"space:{room_id}", None, Reason.WRONG, [(None, said["room"])])
    borrowers = [(one, said["item"]) for one in filing.residents([item.owner_id or 0], 1)]
    filing.case(f"item:{item.id}", item.owner_id, Reason.WRONG, borrowers)
    promising = founded.groups[clubs.REPORTED]
    crossed = filing.residents(founded.members[promising.id], len(said["club"]))
    warned = list(zip(crossed, said["club"], strict=True))
    filing.case(f"group:{promising.id}", promising.founded_by_id, Reason.SPAM, warned)
    appealed = _appealed(filing, founded, said, inbox)
    waiting = len(filing.cases) - 1
    filing.write(appealed)
    return waiting


def _appealed(filing: "_Filing", founded: clubs.Clubs, said: dict[str, str], inbox: Inbox) -> tuple[Decision, Appeal]:
    """The resident's group that a moderator hid; the resident asks another to look again."""
    resident, moderator = filing.shown["resident"], filing.shown["moderator"]
    hidden = founded.groups[clubs.HIDDEN]
    neighbour = filing.residents(founded.members[hidden.id], 1)
    at = filing.midnight - DECIDED_AGO + timedelta(hours=10, minutes=20)
    noted = [(one, said["hidden"]) for one in neighbour]
    case = filing.case(f"group:{hidden.id}", resident.id, Reason.PRIVACY, noted, at - timedelta(hours=5))
    decision = Decision(
        id=next(rows.numbers(Decision)), case_id=case.id, act=Act.HIDE, reason=Reason.PRIVACY, note=said["decision"],
        by_id=moderator.id, at=at,
    )  # fmt: skip
    case.settled_at = at + UNDO
    appealed_at = filing.midnight - timedelta(hours=6)
    appeal = Appeal(
        id=next(rows.numbers(Appeal)), decision_id=decision.id, decided_by_id=moderator.id, text=said["appeal"],
        created_at=appealed_at,
    )  # fmt: skip
    case.state, case.due_at = CaseState.APPEALED, appealed_at + ANSWERED_IN
    inbox.tell(resident, "moderation.decided", f"case:{case.id}", case.settled_at)
    for one in neighbour:
        inbox.tell(one, "moderation.outcome", f"case:{case.id}", case.settled_at, acted=True, names=resident.id)
    return decision, appeal


class _Filing:
    def __init__(self, random: Random, crowd: Crowd) -> None:
        self.random, self.shown = random, crowd.shown
        self.midnight = clock.at(clock.today(), 0)
        shown = {person.id for person in crowd.shown.values()}
        self.verified = [one for one in crowd.people if one.verified_at and one.id not in shown]
        self.cases, self.reports = list[Case](), list[Report]()
        self.ids, self.report_ids = rows.numbers(Case), rows.numbers(Report)

    def residents(self, members: Sequence[int], count: int) -> list[Person]:
        """Verified residents who do not belong to a group."""
        return self.random.sample([one for one in self.verified if one.id not in members], count)

    def case(
        self, subject: str, author_id: int | None, reason: Reason, reports: Sequence[tuple[Person | None, str]],
        at: datetime | None = None,
    ) -> Case:  # fmt: skip
        """Open a case about something, some hours before today if nothing else is said, with its reports."""
        at = at or self.midnight - timedelta(minutes=self.random.randrange(30, 600))
        thing = things.find(subject)
        with words.speaking("ko"):
            title, text = (thing.title, thing.text) if thing else ("", "")
        number = next(self.ids)
        case = Case(
            id=number, reference=rows.reference(number, REFERENCE), subject=subject, title=title[:200], said=text,
            author_id=author_id, reason=reason, harm=HARM[reason], state=CaseState.OPEN, opened_at=at,
            due_at=at + DUE[HARM[reason]], version=1,
        )  # fmt: skip
        self.cases.append(case)
        for place, (person, note) in enumerate(reports):
            number = next(self.report_ids)
            self.reports.append(
                Report(
                    id=number, reference=rows.reference(number, REFERENCE), case_id=case.id, subject=subject,
                    person_id=person.id if person else None, verified=person is not None and person.is_verified,
                    reason=reason, note=note, created_at=at + timedelta(minutes=7 * place),
                )
            )  # fmt: skip
        return case

    def write(self, appealed: tuple[Decision, Appeal]) -> None:
        """Write everything."""
        rows.write(self.cases)
        rows.write(self.reports)
        for one in appealed:
            rows.write([one])
