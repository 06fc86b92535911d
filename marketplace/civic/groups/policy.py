"""Who may do what with a group, and in whose name. No queries."""

from datetime import timedelta

from marketplace.civic.accounts.models import Person
from marketplace.civic.accounts.models import Role as Office
from marketplace.civic.groups.models import Group, GroupMember, Role

STAFF = (Office.STAFF, Office.ADMINISTRATOR)
"""Who verifies groups."""

SMALL = 5
"""Fewer members than these are not told apart in public."""

INVITATION_LASTS = timedelta(days=14)
YEAR = timedelta(days=365)
ANSWER_WITHIN = timedelta(days=7)


def is_officer(person: Person | None, group: Group) -> bool:
    """Whether the person is one of the officers; needs `group.officers`."""
    return person is not None and any(officer.person_id == person.id for officer in group.officers)


def may_find(person: Person | None, group: Group, member: GroupMember | None) -> bool:
    """Everyone finds a group that goes on; a closed or hidden one its members do, and those who verify groups."""
    return (group.is_open and not group.hidden) or member is not None or may_verify_any(person)


def may_see_members(person: Person | None, member: GroupMember | None) -> bool:
    """Members see one another; those who verify groups see the officers' addresses elsewhere."""
    return person is not None and member is not None


def may_look_after(person: Person | None, group: Group) -> bool:
    """Officers invite, answer, remove and change what the group says of itself."""
    return is_officer(person, group)


def may_act_for(person: Person | None, group: Group) -> bool:
    """Officers act for a group that goes on and is not hidden."""
    return group.is_open and not group.hidden and is_officer(person, group)


def may_remove(person: Person | None, group: Group, member: GroupMember) -> bool:
    """Officers remove members; an officer steps back alone, or is made a member by the contact first."""
    return person is not None and is_officer(person, group) and member.role is Role.MEMBER


def may_change_role(person: Person | None, group: Group, member: GroupMember) -> bool:
    """The contact makes officers and hands over; any officer becomes the contact, in case that one is out of reach."""
    if person is None or not group.is_open or not is_officer(person, group) or member.role is Role.CONTACT:
        return False
    contact = group.contact
    return (contact is not None and contact.person_id == person.id) or member.person_id == person.id


def may_verify_any(person: Person | None) -> bool:
    """Staff of departments and administrators."""
    return person is not None and any(person.is_a(office) for office in STAFF)


def may_verify(person: Person | None, group: Group, member: GroupMember | None) -> bool:
    """Staff verify groups that they do not belong to."""
    return may_verify_any(person) and member is None and group.is_open
