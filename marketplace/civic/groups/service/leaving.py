"""When a member's account is erased: nobody's name stays, and no group is left without someone who answers for it."""

from datetime import timedelta

import sqlalchemy as sa

from marketplace.civic.accounts.models import Caller, Person
from marketplace.civic.groups import queries
from marketplace.civic.groups.models import GroupInvitation, GroupMember, GroupRequest, Role
from marketplace.civic.groups.service.groups import shut
from marketplace.kernel import clock, db
from marketplace.kernel.audit import record
from marketplace.kernel.things import subject

KEPT_INVITATIONS, KEPT_REQUESTS = timedelta(days=30), timedelta(days=365)
"""How long invitations are kept after they ran out, and requests after they were answered."""


def erase(person: Person) -> None:
    """Forget where a person belongs. The next officer speaks for the person's groups; without one, they close."""
    for member in queries.groups_of(person):
        group = queries.get_group(member.group_id, lock=True)
        was_contact = member.role is Role.CONTACT
        db.session.execute(_own(GroupMember, GroupMember.group_id == group.id, GroupMember.person_id == person.id))
        if was_contact and group.is_open:
            next_one = next((officer for officer in group.officers if officer.person_id != person.id), None)
            if next_one is not None:
                next_one.role = Role.CONTACT
                db.session.flush()
            else:
                shut(group)
                record(None, "groups.closed", subject("group", group.id))
    theirs = sa.or_(GroupInvitation.email == person.email, GroupInvitation.invited_by_id == person.id)
    db.session.execute(_own(GroupInvitation, theirs))
    db.session.execute(_own(GroupRequest, GroupRequest.person_id == person.id))
    db.session.execute(_own(Caller, Caller.person_id == person.id))


def _own(table: type[db.Base], *which: sa.ColumnElement[bool]) -> sa.Delete:
    return sa.delete(table).where(*which).execution_options(synchronize_session=False)


def sweep() -> None:
    """Forget invitations and requests that are long over."""
    now = clock.now()
    db.session.execute(_own(GroupInvitation, GroupInvitation.expires_at < now - KEPT_INVITATIONS))
    db.session.execute(_own(GroupRequest, GroupRequest.answered_at < now - KEPT_REQUESTS))
