"""Who may report, look, decide and appeal, and for how long. No queries."""

from collections.abc import Collection
from datetime import timedelta

from marketplace.civic.accounts.models import Person, Role
from marketplace.civic.moderation.models import STANDING, Act, Case, CaseState, Concern
from marketplace.kernel import clock
from marketplace.kernel.things import Thing

CLAIM = timedelta(minutes=30)
UNDO = timedelta(minutes=10)
APPEAL = timedelta(days=30)


def may_report(person: Person | None, thing: Thing) -> bool:
    """Anyone who sees a thing that can be hidden, with or without an account."""
    return thing.kind.hide is not None and thing.seen_by(person)


def _no_party(person: Person, case: Case) -> bool:
    """Nobody judges their own words, or their own report; needs `case.reports`."""
    return person.id != case.author_id and all(person.id != report.person_id for report in case.reports)


def may_look(person: Person, case: Case) -> bool:
    """Moderators see every case but those about themselves; administrators only what is appealed."""
    about_others = person.id != case.author_id
    appealed = case.state is CaseState.APPEALED and person.is_a(Role.ADMINISTRATOR)
    return about_others and (person.is_a(Role.MODERATOR) or appealed)


def may_decide(person: Person, case: Case) -> bool:
    """Moderators who neither wrote nor reported it; needs `case.reports`."""
    return person.is_a(Role.MODERATOR) and _no_party(person, case)


def may_answer(person: Person, case: Case, moderator_ids: Collection[int]) -> bool:
    """A moderator other than the one who decided; an administrator only where there is no such moderator.

    Needs `case.reports` and `case.decision`.
    """
    if case.decision is None:
        return False
    parties = {case.author_id, case.decision.by_id, *(report.person_id for report in case.reports)}
    if person.id in parties:
        return False
    others = set(moderator_ids) - parties
    return person.id in others or (not others and person.is_a(Role.ADMINISTRATOR))


def may_undo(person: Person, case: Case) -> bool:
    """For ten minutes, any moderator who could have decided; needs `case.reports` and `case.decision`."""
    fresh = case.decision is not None and clock.now() < case.decision.at + UNDO
    return case.state is CaseState.DECIDED and fresh and may_decide(person, case)


def may_restore(person: Person, case: Case) -> bool:
    """What was hidden, not removed, may be shown again once it is put right; needs `case.reports`, `case.decision`."""
    hidden = case.decision is not None and case.decision.act is Act.HIDE
    return hidden and case.state in (CaseState.SETTLED, CaseState.UPHELD) and may_decide(person, case)


def is_party(person: Person | None, case: Case) -> bool:
    """Its author reads what was decided about it, once told; needs `case.decision`."""
    told = case.auto_hidden_at is not None or case.settled_at is not None
    suspended = case.decision is not None and case.decision.act is Act.SUSPEND and case.state in STANDING
    return person is not None and person.id == case.author_id and (told or suspended)


def may_state(person: Person, case: Case) -> bool:
    """What was hidden by the number of reports alone, its author may explain before anyone decides."""
    return person.id == case.author_id and case.state is CaseState.OPEN and case.auto_hidden_at is not None


def may_appeal(person: Person, case: Case) -> bool:
    """The author, once, within 30 days of the letter; needs `case.decision`."""
    if case.decision is None or case.decision.act is Act.KEEP or case.settled_at is None:
        return False
    in_time = clock.now() < case.settled_at + APPEAL
    return person.id == case.author_id and case.state is CaseState.SETTLED and in_time


def is_final(case: Case) -> bool:
    """Whether nothing can bring back any more what a decision took away; needs `case.decision`."""
    over = case.settled_at is not None and clock.now() >= case.settled_at + APPEAL
    return case.state is CaseState.UPHELD or (case.state is CaseState.SETTLED and over)


def may_be_removed(thing: Thing | None) -> bool:
    """What has something to delete; a room is there whatever its page says."""
    return thing is not None and thing.kind.remove is not None


def may_read_concern(person: Person | None, concern: Concern) -> bool:
    """Safeguarding officers, but never about themselves or what they reported themselves."""
    officer = person is not None and person.is_a(Role.SAFEGUARDING)
    return person is not None and officer and person.id not in (concern.about_id, concern.reporter_id)
