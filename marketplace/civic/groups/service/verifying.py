"""Making sure that a group is what it says: who looked, when, at which kind of document, and until when it counts."""

from datetime import date, timedelta

from marketplace.civic.accounts.models import Person
from marketplace.civic.accounts.policy import expect_may_act
from marketplace.civic.groups import errors, policy, queries
from marketplace.civic.groups.models import Document, Group
from marketplace.civic.groups.service.groups import expect_open, tell
from marketplace.kernel import audit, clock, db
from marketplace.kernel.access import permit
from marketplace.kernel.things import subject

MOST_YEARS = 5


def ask(person: Person, group: Group) -> None:
    """Have staff look at the group; asked again, the first time counts."""
    permit(policy.may_look_after, person, group)
    expect_may_act(person)
    expect_open(group)
    group.asked_at = group.asked_at or clock.now()
    db.session.flush()
    audit.record(person.id, "groups.asked_to_be_verified", subject("group", group.id))


def verify(staff: Person, group: Group, document: Document, until: date) -> None:
    """Put down that a document of this kind was looked at; none is kept. Raises DayOver."""
    group = _locked(staff, group)
    if not clock.today() < until <= clock.today() + timedelta(days=366 * MOST_YEARS):
        raise errors.DayOver(field="until", years=MOST_YEARS)
    group.verified_at, group.verified_by_id, group.verified_document = clock.now(), staff.id, document
    group.verified_until, group.asked_at = until, None
    db.session.flush()
    audit.record(staff.id, "groups.verified", subject("group", group.id), document=document.value, until=until)
    _tell_contact(group, "verified", until=until.isoformat())


def decline(staff: Person, group: Group, reason: str) -> None:
    """Say no to a group that asked, with the reason that it reads. Raises NotAsked or ReasonMissing."""
    group = _locked(staff, group)
    if group.asked_at is None:
        raise errors.NotAsked
    if not reason.strip():
        raise errors.ReasonMissing(field="reason")
    group.asked_at = None
    db.session.flush()
    audit.record(staff.id, "groups.not_verified", subject("group", group.id))
    _tell_contact(group, "not_verified", reason=reason.strip())


def withdraw(staff: Person, group: Group, reason: str) -> None:
    """Take a verification back, with the reason that the group reads. Raises ReasonMissing."""
    group = _locked(staff, group)
    if not reason.strip():
        raise errors.ReasonMissing(field="reason")
    group.verified_at = group.verified_by_id = group.verified_document = group.verified_until = None
    db.session.flush()
    audit.record(staff.id, "groups.verification_withdrawn", subject("group", group.id))
    _tell_contact(group, "not_verified", reason=reason.strip())


def _locked(staff: Person, group: Group) -> Group:
    group = queries.get_group(group.id, lock=True)
    permit(policy.may_verify, staff, group, queries.member(group, staff))
    return group


def _tell_contact(group: Group, news: str, **facts: str) -> None:
    if group.contact is not None:
        tell(group.contact.person_id, group, news, **facts)
