"""What is brought up about a match: a coordinator sees to it, and notes what came of it."""

from marketplace.civic.accounts.models import Person
from marketplace.civic.moderation.models import Reason
from marketplace.civic.moderation.service import safeguarding
from marketplace.kernel import clock, db, things
from marketplace.kernel.access import permit, reveal
from marketplace.sharing.homeshare import errors, policy
from marketplace.sharing.homeshare.models.applications import Side
from marketplace.sharing.homeshare.models.checkins import Matter, MatterKind, Outcome
from marketplace.sharing.homeshare.models.locked import lock
from marketplace.sharing.homeshare.models.matches import GOING_ON, Match
from marketplace.sharing.homeshare.queries import matches as queries
from marketplace.sharing.homeshare.service.telling import record_match, tell_both, tell_side


def open_matter(
    match: Match, kind: MatterKind, *, side: Side | None = None, by: Person | None = None, words: str = ""
) -> Matter:
    """Put something into the coordinators' queue."""
    matter = Matter(
        match=match, kind=kind, side=side, by_id=by.id if by else None, words="", opened_at=clock.now(),
        due_at=clock.now() + kind.due_in,
    )  # fmt: skip
    db.session.add(matter)
    db.session.flush()
    if words.strip():
        lock(matter, "words", words.strip())
        db.session.flush()
    return matter


def raise_concern(person: Person, matter: Matter, words: str) -> None:
    """Tell the safeguarding officers that somebody does not feel safe."""
    safeguarding.raise_concern(person, things.of("homeshare_matter", matter), Reason.AT_RISK, words.strip())


def ask_mediation(person: Person, match: Match, words: str = "") -> Matter:
    """Ask for a conversation of all three; a coordinator may begin one too. Raises AskedForAlready, MatchWentOn."""
    side = policy.side_of(person, match)
    if side is None:
        permit(policy.may_tend, person, match)
    match = queries.held(match.id)
    if match.state not in GOING_ON:
        raise errors.MatchWentOn(state=match.state.words)
    if queries.is_asked_for(match, MatterKind.MEDIATION):
        raise errors.AskedForAlready
    matter = open_matter(match, MatterKind.MEDIATION, side=side, by=person, words=words)
    tell_both(match, "mediation")
    record_match(person, match, "mediation")
    return matter


def note(coordinator: Person, match: Match, words: str) -> Matter:
    """Write something down among coordinators, with no more to do about it."""
    permit(policy.may_tend, coordinator, match)
    matter = open_matter(match, MatterKind.NOTE, by=coordinator, words=words)
    matter.outcome, matter.settled_at, matter.settled_by_id = Outcome.ANSWERED, clock.now(), coordinator.id
    record_match(coordinator, match, "noted")
    db.session.flush()
    return matter


def settle(
    coordinator: Person, match: Match, matter: Matter, outcome: Outcome, note: str = "", reply: str = ""
) -> Matter:
    """Say what came of it. Whoever brought it up reads the reply, of a mediation both do; coordinators read the note.

    Raises SettledAlready if another coordinator was faster.
    """
    reveal(policy.may_tend, coordinator, match)
    match = queries.held(match.id)
    db.session.refresh(matter, ["settled_at", "outcome"])
    if matter.settled_at is not None:
        raise errors.SettledAlready
    matter.outcome, matter.settled_at, matter.settled_by_id = outcome, clock.now(), coordinator.id
    for column, text in (("note", note), ("reply", reply)):
        lock(matter, column, text.strip())
    db.session.flush()
    if matter.kind is MatterKind.MEDIATION:
        tell_both(match, "settled")
    elif reply.strip() and matter.side is not None:
        tell_side(match, matter.side, "settled")
    record_match(coordinator, match, "settled", kind=matter.kind.value, outcome=outcome.value)
    return matter
