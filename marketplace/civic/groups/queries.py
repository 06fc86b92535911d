"""Finding groups, their members, and who waits for whom."""

from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from marketplace.civic.accounts import queries as accounts
from marketplace.civic.accounts.models import Caller, Person
from marketplace.civic.groups import policy
from marketplace.civic.groups.errors import InvitationOver
from marketplace.civic.groups.models import Group, GroupInvitation, GroupMember, GroupRequest, Role
from marketplace.kernel import clock, credentials, db, search
from marketplace.kernel.errors import NotFound

SEARCH_KIND = "group"
_RANK = sa.case({Role.CONTACT: 0, Role.OFFICER: 1}, value=GroupMember.role, else_=2)


# --- groups ---


def whole(query: sa.Select[Group]) -> sa.Select[Group]:
    """Groups with their district and officers."""
    return query.options(joinedload(Group.district), selectinload(Group.officers).joinedload(GroupMember.person))


def get_group(group_id: int, *, lock: bool = False) -> Group:
    """A group; locked, its members stay what they are until the transaction ends. Raises NotFound."""
    if lock:
        db.session.execute(sa.select(Group.id).where(Group.id == group_id).with_for_update())
        _read_anew(group_id, Group, GroupMember)
    group = db.session.scalar(whole(sa.select(Group).where(Group.id == group_id)))
    if group is None:
        raise NotFound
    return group


def _read_anew(number: int, *kinds: type[db.Base]) -> None:
    """Have rows of these kinds whose key begins with a number, read before they were locked, be read again."""
    db.session.flush()
    for one in list(db.session.identity_map.values()):
        if isinstance(one, kinds) and (sa.inspect(one).identity or [0])[0] == number:
            db.session.expire(one)


def groups(ids: Collection[int]) -> dict[int, Group]:
    """These groups by id."""
    return {group.id: group for group in db.session.scalars(whole(sa.select(Group).where(Group.id.in_(ids))))}


def found(words: str = "", district_id: int | None = None) -> sa.Select[Group]:
    """The groups that everyone may find, by name."""
    query = whole(sa.select(Group).where(Group.closed_at.is_(None), sa.not_(Group.hidden)))
    if words.strip():
        query = query.where(Group.id.in_(search.matching(SEARCH_KIND, words)))
    if district_id is not None:
        query = query.where(Group.district_id == district_id)
    return query.order_by(Group.name, Group.id)


def sizes(of: Sequence[Group]) -> dict[int, int]:
    """How many members each of these groups has."""
    counted = sa.select(GroupMember.group_id, sa.func.count()).group_by(GroupMember.group_id)
    rows = db.session.execute(counted.where(GroupMember.group_id.in_([group.id for group in of])))
    return dict(rows.all())


def count_founded(person: Person) -> int:
    """How many groups a person founded within a year, whatever became of them."""
    year = clock.now() - policy.YEAR
    own = sa.select(sa.func.count(Group.id)).where(Group.founded_by_id == person.id, Group.founded_at > year)
    return db.session.scalar(own) or 0


def to_verify() -> sa.Select[Group]:
    """The groups that wait to be verified, who asked first first."""
    waiting = sa.select(Group).where(Group.asked_at.is_not(None), Group.closed_at.is_(None))
    return whole(waiting.order_by(Group.asked_at, Group.id))


def words_of(group: Group) -> str:
    """What a group is found by."""
    return " ".join(filter(None, (group.name, group.name_en, group.about)))


# --- members ---


def member(group: Group, person: Person | None) -> GroupMember | None:
    """The person as a member of the group."""
    return membership(group, person.id) if person else None


def membership(group: Group, person_id: int) -> GroupMember | None:
    """Whoever has this id as a member of the group."""
    own = sa.select(GroupMember).where(GroupMember.group_id == group.id, GroupMember.person_id == person_id)
    return db.session.scalar(own.options(joinedload(GroupMember.person)))


def members_of(group: Group) -> sa.Select[GroupMember]:
    """A group's members: its contact, the officers, then everyone by name."""
    own = sa.select(GroupMember).join(Person).where(GroupMember.group_id == group.id)
    return own.options(joinedload(GroupMember.person)).order_by(_RANK, Person.name, Person.id)


def groups_of(person: Person) -> list[GroupMember]:
    """The groups that a person belongs to, each with the person's role, by name; those closed last."""
    own = sa.select(GroupMember).join(Group).where(GroupMember.person_id == person.id)
    loaded = own.options(
        joinedload(GroupMember.group).options(
            joinedload(Group.district), selectinload(Group.officers).joinedload(GroupMember.person)
        )
    )
    return list(db.session.scalars(loaded.order_by(Group.closed_at.is_not(None), Group.name, Group.id)))


def group_ids(person: Person | None) -> set[int]:
    """The ids of the groups that someone belongs to."""
    if person is None:
        return set()
    return set(db.session.scalars(sa.select(GroupMember.group_id).where(GroupMember.person_id == person.id)))


def acting_for(person: Person) -> list[Group]:
    """The groups for which a person may act, by name."""
    return [one.group for one in groups_of(person) if policy.may_act_for(person, one.group)]


def officer_group_ids(person: Person) -> sa.Select[int]:
    """The ids of the groups that a person is an officer of."""
    own = sa.select(GroupMember.group_id).where(GroupMember.person_id == person.id)
    return own.where(GroupMember.role != Role.MEMBER)


# --- invitations ---


def link_of(invitation: GroupInvitation) -> str:
    """What the letter's link ends with."""
    return f"{invitation.id}-{credentials.seal('group', invitation.id, invitation.nonce)}"


def by_link(link: str) -> GroupInvitation:
    """The invitation that a link stands for, if it is still good; nobody else uses it meanwhile. Raises InvitationOver.

    A link that no letter ever held is answered like one that is used up.
    """
    over = InvitationOver(days=policy.INVITATION_LASTS.days)
    text, _, word = link.partition("-")
    number = db.row_number(text)
    invitation = get_invitation(number, lock=True) if number is not None else None
    if invitation is None or not credentials.is_seal(word, "group", invitation.id, invitation.nonce):
        raise over
    if not invitation.is_good or not invitation.group.is_open or invitation.group.hidden:
        raise over
    return invitation


def get_invitation(invitation_id: int, *, lock: bool = False) -> GroupInvitation | None:
    """An invitation with its group."""
    own = sa.select(GroupInvitation).where(GroupInvitation.id == invitation_id)
    loaded = own.options(
        joinedload(GroupInvitation.group).selectinload(Group.officers).joinedload(GroupMember.person),
        joinedload(GroupInvitation.invited_by),
    )
    if lock:
        _read_anew(invitation_id, GroupInvitation)
    return db.session.scalar(loaded.with_for_update(of=GroupInvitation) if lock else loaded)


def _good() -> sa.ColumnElement[bool]:
    return sa.and_(GroupInvitation.used_at.is_(None), GroupInvitation.expires_at > clock.now())


def invitations_by(group: Group) -> list[GroupInvitation]:
    """A group's invitations that are still good, the latest first."""
    own = sa.select(GroupInvitation).where(GroupInvitation.group_id == group.id, _good())
    return list(db.session.scalars(own.order_by(GroupInvitation.id.desc())))


def invitations_to(person: Person) -> list[GroupInvitation]:
    """The invitations sent to the address that a person confirmed."""
    if not person.is_confirmed:
        return []
    own = sa.select(GroupInvitation).join(Group).where(GroupInvitation.email == person.email, _good())
    going_on = own.where(Group.closed_at.is_(None), sa.not_(Group.hidden))
    return list(db.session.scalars(going_on.options(joinedload(GroupInvitation.group)).order_by(GroupInvitation.id)))


# --- requests ---


def request_of(group: Group, person: Person) -> GroupRequest | None:
    """The person's wish to join that waits for an answer."""
    own = sa.select(GroupRequest).where(GroupRequest.group_id == group.id, GroupRequest.person_id == person.id)
    return db.session.scalar(own.where(GroupRequest.answered_at.is_(None)))


def requests_to(group_ids: Collection[int] | sa.Select[int]) -> sa.Select[GroupRequest]:
    """The wishes to join these groups that wait for an answer, the oldest first."""
    waiting = sa.select(GroupRequest).where(GroupRequest.group_id.in_(group_ids), GroupRequest.answered_at.is_(None))
    loaded = waiting.options(joinedload(GroupRequest.person), joinedload(GroupRequest.group))
    return loaded.order_by(GroupRequest.made_at, GroupRequest.id)


def get_request(request_id: int, *, lock: bool = False) -> GroupRequest:
    """A wish to join, with its group and whose it is. Raises NotFound."""
    own = sa.select(GroupRequest).where(GroupRequest.id == request_id)
    loaded = own.options(
        joinedload(GroupRequest.person),
        joinedload(GroupRequest.group).selectinload(Group.officers).joinedload(GroupMember.person),
    )
    if lock:
        _read_anew(request_id, GroupRequest)
    request = db.session.scalar(loaded.with_for_update(of=GroupRequest) if lock else loaded)
    if request is None:
        raise NotFound
    return request


# --- callers ---


def account_of(email: str) -> Person | None:
    """Who confirmed this very address."""
    person = accounts.by_email(email) if email else None
    return person if person and person.is_confirmed else None


def caller(name: str, email: str, phone: str) -> Caller | None:
    """Who came or called before with this name and address, or with this name and number where there is no address."""
    known = sa.select(Caller).join(Person).where(Person.name == name, Person.email == accounts.one_spelling(email))
    if not email:
        known = known.where(Caller.phone == phone)
    return db.session.scalars(known.options(joinedload(Caller.person)).order_by(Caller.person_id).limit(1)).first()
