"""Becoming a member: by an invitation, or by asking."""

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.civic.accounts.policy import expect_may_act
from marketplace.civic.accounts.queries import one_spelling
from marketplace.civic.groups import errors, policy, queries
from marketplace.civic.groups.models import Group, GroupInvitation, GroupMember, GroupRequest
from marketplace.civic.groups.service.groups import expect_open, tell
from marketplace.kernel import audit, clock, credentials, db, jobs
from marketplace.kernel.access import permit
from marketplace.kernel.things import subject

MOST_INVITED = 50
"""How many invitations of a group may wait for an answer."""


# --- invited ---


def invite(person: Person, group: Group, email: str) -> GroupInvitation:
    """Send a link by which whoever reads letters at this address may join. Raises InvitedMany.

    It goes the same way whether or not the address has an account. An earlier invitation of the same address is over.
    """
    permit(policy.may_look_after, person, group)
    expect_may_act(person)
    group = queries.get_group(group.id, lock=True)
    expect_open(group)
    permit(policy.may_act_for, person, group)  # what moderators hid is not sent to anyone
    address = one_spelling(email)
    _use_up(GroupInvitation.group_id == group.id, GroupInvitation.email == address)
    if len(queries.invitations_by(group)) >= MOST_INVITED:
        raise errors.InvitedMany(most=MOST_INVITED)
    invitation = GroupInvitation(
        group_id=group.id,
        email=address,
        invited_by_id=person.id,
        nonce=credentials.new_token(),
        expires_at=clock.now() + policy.INVITATION_LASTS,
    )
    db.session.add(invitation)
    db.session.flush()
    jobs.enqueue("groups.letter_invitation", invitation_id=invitation.id)
    audit.record(person.id, "groups.invited", subject("group", group.id), invitation=invitation.id)
    return invitation


def take_back(person: Person, group: Group, invitation_id: int) -> None:
    """Have one of the group's invitations let nobody in any more."""
    permit(policy.may_look_after, person, group)
    _use_up(GroupInvitation.id == invitation_id, GroupInvitation.group_id == group.id)
    audit.record(person.id, "groups.uninvited", subject("group", group.id), invitation=invitation_id)


def accept(person: Person, link: str) -> Group:
    """Join by the link of a letter, which is then used up. Raises InvitationOver or IsMember."""
    expect_may_act(person)
    invitation = queries.by_link(link)
    invitation.used_at = clock.now()
    _join(person, invitation.group, invitation=invitation.id)
    return invitation.group


def refuse(person: Person, link: str) -> Group:
    """Say no to an invitation, which is then used up. Raises InvitationOver."""
    invitation = queries.by_link(link)
    invitation.used_at = clock.now()
    audit.record(person.id, "groups.refused", subject("group", invitation.group_id), invitation=invitation.id)
    return invitation.group


def _use_up(*which: sa.ColumnElement[bool]) -> None:
    good = sa.update(GroupInvitation).where(*which, GroupInvitation.used_at.is_(None))
    db.session.execute(good.values(used_at=clock.now()))


# --- asking ---


def ask(person: Person, group: Group, message: str) -> GroupRequest:
    """Wish to join; the officers answer. Raises IsMember or AskedAlready."""
    expect_may_act(person)
    expect_open(group)
    if queries.member(group, person):
        raise errors.IsMember
    request = GroupRequest(group_id=group.id, person_id=person.id, message=message)
    try:
        with db.session.begin_nested():
            db.session.add(request)
            db.session.flush()
    except sa.exc.IntegrityError as clash:
        raise errors.AskedAlready from clash
    officers = [officer.person_id for officer in group.officers]
    tell(officers, group, "asked", request_id=request.id, name=person.name, names=person.id)
    audit.record(person.id, "groups.asked", subject("group", group.id))
    return request


def withdraw(person: Person, group: Group) -> None:
    """Wish to join no longer."""
    own = sa.delete(GroupRequest).where(
        GroupRequest.group_id == group.id, GroupRequest.person_id == person.id, GroupRequest.answered_at.is_(None)
    )
    if db.session.scalar(own.returning(GroupRequest.id)):
        audit.record(person.id, "groups.withdrew", subject("group", group.id))


def answer(officer: Person, request: GroupRequest, *, accepted: bool, reason: str = "") -> None:
    """Let someone join, or not, with a reason that they read. Raises AnsweredAlready or ReasonMissing."""
    permit(policy.may_look_after, officer, request.group)
    expect_may_act(officer)
    expect_open(request.group)
    if request.answered_at is not None:
        raise errors.AnsweredAlready
    if not accepted and not reason.strip():
        raise errors.ReasonMissing(field="reason")
    request.answered_at, request.answered_by_id, request.accepted = clock.now(), officer.id, accepted
    request.reason = reason.strip()
    if accepted:
        _join(request.person, request.group, by=officer.id)
    else:
        audit.record(officer.id, "groups.declined", subject("group", request.group_id), person=request.person_id)
    tell(request.person_id, request.group, "accepted" if accepted else "declined", reason=request.reason)


def _join(person: Person, group: Group, **how: int) -> None:
    """Make someone a member; the database lets nobody in twice."""
    try:
        with db.session.begin_nested():
            db.session.execute(sa.insert(GroupMember).values(group_id=group.id, person_id=person.id))
    except sa.exc.IntegrityError as clash:
        raise errors.IsMember from clash
    waiting = sa.update(GroupRequest).where(
        GroupRequest.group_id == group.id, GroupRequest.person_id == person.id, GroupRequest.answered_at.is_(None)
    )
    db.session.execute(waiting.values(answered_at=clock.now(), accepted=True))
    audit.record(person.id, "groups.joined", subject("group", group.id), **how)
