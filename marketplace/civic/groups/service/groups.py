"""Founding a group, changing what it says, its officers, leaving and closing."""

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.civic.accounts.policy import expect_may_act
from marketplace.civic.accounts.queries import one_at_a_time
from marketplace.civic.groups import errors, policy, queries
from marketplace.civic.groups.models import Group, GroupInvitation, GroupMember, GroupRequest, Role, Sort
from marketplace.civic.notifications import service as notifications
from marketplace.civic.places.models import District
from marketplace.kernel import audit, clock, db, hooks, search, things
from marketplace.kernel.access import permit
from marketplace.kernel.things import subject

MOST_FOUNDED = 5
MOST_OFFICERS = 12


def found(
    person: Person,
    name: str,
    sort: Sort,
    *,
    name_en: str | None = None,
    about: str = "",
    district_id: int | None = None,
) -> Group:
    """Found a group; the founder speaks for it. Raises FoundedMany, or NotConfirmed of an account."""
    expect_may_act(person)
    one_at_a_time(person.id)
    if queries.count_founded(person) >= MOST_FOUNDED:
        raise errors.FoundedMany(most=MOST_FOUNDED)
    group = Group(
        name=name, name_en=name_en, sort=sort, about=about, district_id=_known(district_id), founded_by_id=person.id
    )
    group.members = [GroupMember(person_id=person.id, role=Role.CONTACT)]
    db.session.add(group)
    db.session.flush()
    search.index(queries.SEARCH_KIND, group.id, queries.words_of(group))
    _record(person, group, "founded")
    return queries.get_group(group.id)


def change(
    person: Person,
    group: Group,
    name: str,
    sort: Sort,
    *,
    version: int,
    name_en: str | None = None,
    about: str = "",
    district_id: int | None = None,
) -> Group:
    """Change what a group says of itself. Under another name, or as another sort, it has to be verified anew.

    Raises ChangedMeanwhile if it is no longer the version that was shown.
    """
    permit(policy.may_look_after, person, group)
    expect_may_act(person)
    expect_open(group)
    if version != group.version:
        raise errors.ChangedMeanwhile
    if (name, name_en, sort) != (group.name, group.name_en, group.sort):
        group.verified_at = group.verified_by_id = group.verified_document = group.verified_until = None
    group.name, group.name_en, group.sort, group.about = name, name_en, sort, about
    group.district_id = _known(district_id)
    db.session.flush()
    search.index(queries.SEARCH_KIND, group.id, queries.words_of(group))
    _record(person, group, "changed")
    return group


def make_officer(person: Person, group: Group, person_id: int) -> None:
    """Have a member look after the group as well. Raises TooManyOfficers."""
    group, member = _with_member(person, group, person_id)
    if len(group.officers) >= MOST_OFFICERS:
        raise errors.TooManyOfficers(most=MOST_OFFICERS)
    _set_role(person, member, Role.OFFICER)


def make_member(person: Person, group: Group, person_id: int) -> None:
    """Have an officer be a plain member again."""
    _set_role(person, _with_member(person, group, person_id)[1], Role.MEMBER)


def make_contact(person: Person, group: Group, person_id: int) -> None:
    """Have another member speak for the group; who did so until now stays an officer. Raises TooManyOfficers."""
    group, member = _with_member(person, group, person_id)
    if not member.is_officer and len(group.officers) >= MOST_OFFICERS:
        raise errors.TooManyOfficers(most=MOST_OFFICERS)
    for officer in group.officers:
        if officer.role is Role.CONTACT:
            officer.role = Role.OFFICER
    db.session.flush()  # first: nobody else may be the contact at any moment
    _set_role(person, member, Role.CONTACT)


def leave(person: Person, group: Group) -> None:
    """Belong to the group no longer. Raises NobodyLeft for its contact: without one, nobody would answer for it."""
    group = queries.get_group(group.id, lock=True)
    member = queries.member(group, person)
    if member is None:
        raise errors.NotAMember
    if member.role is Role.CONTACT and group.is_open:
        raise errors.NobodyLeft
    _end(member)
    _record(person, group, "left")


def remove(person: Person, group: Group, person_id: int) -> None:
    """Have someone belong to the group no longer; a letter tells them."""
    group = queries.get_group(group.id, lock=True)
    member = _member(group, person_id)
    permit(policy.may_remove, person, group, member)
    _end(member)
    _record(person, group, "removed", member=person_id)
    tell(person_id, group, "removed")


def close(person: Person, group: Group) -> None:
    """End the group. It keeps its members and its past; what waits for it is over."""
    permit(policy.may_look_after, person, group)
    group = queries.get_group(group.id, lock=True)
    expect_open(group)
    shut(group)
    _record(person, group, "closed")


def shut(group: Group) -> None:
    """Have a group be over: neither found nor joined any more."""
    now = clock.now()
    group.closed_at, group.asked_at = now, None
    invited = sa.update(GroupInvitation).where(GroupInvitation.group_id == group.id, GroupInvitation.used_at.is_(None))
    db.session.execute(invited.values(used_at=now))
    asked = sa.update(GroupRequest).where(GroupRequest.group_id == group.id, GroupRequest.answered_at.is_(None))
    db.session.execute(asked.values(answered_at=now, accepted=False))
    search.forget(queries.SEARCH_KIND, group.id)
    db.session.flush()


def hide(group: Group, hidden: bool) -> None:
    """Take a group out of everyone's sight but its members', or show it again; moderators do."""
    group.hidden = hidden
    db.session.flush()


def forget_about(group: Group) -> None:
    """Delete for good what a group says of itself; its name stays with its members. Moderators do, of a hidden one."""
    group.about = ""
    db.session.flush()


def expect_open(group: Group) -> None:
    """Go on only with a group that goes on."""
    if not group.is_open:
        raise errors.IsClosed


def tell(person_ids: Collection[int] | int, group: Group, news: str, **facts: Any) -> None:
    """Let people know what happened in a group."""
    notifications.tell(person_ids, f"groups.{news}", things.of("group", group), **facts)


def _with_member(person: Person, group: Group, person_id: int) -> tuple[Group, GroupMember]:
    """The group, its members standing still, and the one whose role the person may change."""
    group = queries.get_group(group.id, lock=True)
    expect_open(group)
    member = _member(group, person_id)
    permit(policy.may_change_role, person, group, member)
    return group, member


def _member(group: Group, person_id: int) -> GroupMember:
    if (member := queries.membership(group, person_id)) is None:
        raise errors.NotAMember
    return member


def _set_role(person: Person, member: GroupMember, role: Role) -> None:
    member.role = role
    db.session.flush()
    audit.record(
        person.id, "groups.role_changed", subject("group", member.group_id), member=member.person_id, role=role.value
    )
    hooks.sides_changed.ask(member.person_id)


def _end(member: GroupMember) -> None:
    db.session.delete(member)
    db.session.flush()
    hooks.sides_changed.ask(member.person_id)


def _known(district_id: int | None) -> int | None:
    """A district chosen from the list; one removed meanwhile counts as none."""
    return district_id if district_id and db.session.get(District, district_id) else None


def _record(person: Person, group: Group, what: str, **detail: int) -> None:
    """Put it on record, without what anyone wrote."""
    audit.record(person.id, f"groups.{what}", subject("group", group.id), **detail)
