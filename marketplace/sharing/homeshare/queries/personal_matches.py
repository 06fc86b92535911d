"""What home share holds about one person's matches, in which the other side is never named."""

from collections.abc import Iterator, Mapping

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.kernel import db
from marketplace.kernel.hooks import Extract, extract
from marketplace.kernel.words import _l
from marketplace.sharing.homeshare import policy
from marketplace.sharing.homeshare.models.agreements import Agreement, Signature
from marketplace.sharing.homeshare.models.checkins import Matter
from marketplace.sharing.homeshare.models.locked import unlock
from marketplace.sharing.homeshare.models.matches import Match, MatchState, Meeting
from marketplace.sharing.homeshare.queries import matches as queries


def own_matches(person: Person) -> list[Extract]:
    """A person's matches with their own answers, agreements, check-ins, and what they brought up.

    Of the other side it has neither name nor answer; what coordinators noted is not among it.
    """
    signed = sa.select(
        Match.reference, Agreement.number, Agreement.text, Signature.digest, Signature.signed_at
    ).select_from(Signature).join(Agreement, Agreement.id == Signature.agreement_id)  # fmt: skip
    signed = signed.join(Match, Match.id == Agreement.match_id).where(Signature.by_id == person.id)
    meetings = sa.select(Match.reference, Meeting.starts_at, Meeting.at_home).join(Match, Match.id == Meeting.match_id)
    mine = meetings.where(sa.or_(queries.of_someone(person.id), Meeting.set_by_id == person.id))
    made = sa.select(Match.reference, Agreement.number, Agreement.made_at).join(Match, Match.id == Agreement.match_id)
    seen_to = sa.select(Matter.kind, Matter.outcome, Matter.settled_at).where(Matter.settled_by_id == person.id)
    return [
        Extract("homeshare_matches", _l("Who was proposed to you in home share"), _matches(person)),
        extract("homeshare_meetings", _l("Meetings of home share"), mine.order_by(Meeting.id)),
        extract("homeshare_agreements", _l("Agreements that you signed"), signed.order_by(Signature.id)),
        extract(
            "homeshare_agreements_made", _l("Agreements that you changed as a coordinator"),
            made.where(Agreement.made_by_id == person.id).order_by(Agreement.id),
        ),
        Extract("homeshare_checkins", _l("How you said that living together goes"), _checkins(person)),
        Extract("homeshare_matters", _l("What you brought up about living together"), _matters(person)),
        extract("homeshare_seen_to", _l("What you saw to as a coordinator"), seen_to.order_by(Matter.id)),
    ]  # fmt: skip


def _matches(person: Person) -> Iterator[Mapping[str, object]]:
    for one in queries.of_person(person, *MatchState):
        side = policy.side_of(person, one)
        if side is None:
            continue
        answer, reason = one.answer_of(side), getattr(one, f"{side.value}_reason")
        yield {
            "reference": one.reference,
            "side": side.value,
            "state": one.state.value,
            "proposed_at": one.proposed_at,
            "score": one.card.get(side.value),
            "answer": answer.value if answer else None,
            "answered_at": getattr(one, f"{side.value}_answered_at"),
            "reason": reason.value if reason else None,
            "words": unlock(one, f"{side.value}_words"),
            "moved_in_on": one.moved_in_on,
            "goes_on": one.goes_on_of(side),
            "last_day": one.ends_on,
            "ended_at": one.ended_at,
        }


def _checkins(person: Person) -> Iterator[Mapping[str, object]]:
    for match in queries.of_person(person, *MatchState):
        side = policy.side_of(person, match)
        for one in queries.checkins_of(match, side) if side else ():
            yield {
                "reference": match.reference,
                "due_on": one.due_on,
                "going": one.going.value if one.going else None,
                "hours_kept": one.hours_kept,
                "safe": one.safe,
                "talk": one.talk,
                "words": unlock(one, "words"),
                "answered_at": one.answered_at,
            }


def _matters(person: Person) -> Iterator[Mapping[str, object]]:
    brought_up = sa.select(Matter).where(Matter.by_id == person.id).order_by(Matter.id)
    for one in db.session.scalars(brought_up):
        yield {
            "kind": one.kind.value,
            "words": unlock(one, "words"),
            "opened_at": one.opened_at,
            "reply": unlock(one, "reply"),
            "settled_at": one.settled_at,
        }
