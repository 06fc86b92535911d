"""Conversations: one, a person's, a stretch of messages, and what stands in the way of writing."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from marketplace.civic.accounts.models import Person
from marketplace.civic.accounts.policy import expect_may_act
from marketplace.civic.conversations import errors, policy
from marketplace.civic.conversations.models import Block, Conversation, Message, Seat
from marketplace.kernel import audit, db, hooks, looking, things
from marketplace.kernel.errors import DomainError, NotFound
from marketplace.kernel.things import Sides, Thing

PART = 50
"""How many messages a page shows."""

LEAD = 10
"""How many messages before the one that is asked for come with it."""

READING = "conversations"
LOOKED = READING + looking.ENDING
"""How a moderator's reading is put on record."""


class Talk(NamedTuple):
    """A conversation with what it is about, if that is still there."""

    conversation: Conversation
    thing: Thing | None

    @property
    def sides(self) -> Sides | None:
        """Who may talk."""
        return self.thing.sides if self.thing else None


class Spoken(NamedTuple):
    """A message with what its conversation is about."""

    message: Message
    thing: Thing | None

    @property
    def sides(self) -> Sides | None:
        """Who may talk."""
        return self.thing.sides if self.thing else None


# --- one ---


def talks(ids: Collection[int]) -> dict[int, Talk]:
    """Conversations by id."""
    found = db.session.scalars(sa.select(Conversation).where(Conversation.id.in_(ids))).all()
    about = things.find_all(one.subject for one in found)
    return {one.id: Talk(one, about.get(one.subject)) for one in found}


def talk(conversation_id: int) -> Talk:
    """A conversation. Raises NotFound."""
    if (found := talks([conversation_id]).get(conversation_id)) is None:
        raise NotFound
    return found


def by_subject(subject: str) -> Conversation | None:
    """The conversation about a thing, if it was begun."""
    return db.session.scalar(sa.select(Conversation).where(Conversation.subject == subject))


def spoken(ids: Collection[int]) -> dict[int, Spoken]:
    """Messages by id."""
    wanted = sa.select(Message).where(Message.id.in_(ids))
    found = db.session.scalars(wanted.options(joinedload(Message.conversation), joinedload(Message.author))).all()
    about = things.find_all(one.conversation.subject for one in found)
    return {one.id: Spoken(one, about.get(one.conversation.subject)) for one in found}


def message(message_id: int) -> Spoken:
    """A message. Raises NotFound."""
    if (found := spoken([message_id]).get(message_id)) is None:
        raise NotFound
    return found


def reported_as(subject: str) -> object | None:
    """The reason that moderators have, or had, to look."""
    return next(hooks.reported.each(subject), None)


def is_reported(subject: str) -> bool:
    """Whether moderators have, or had, reason to look."""
    return reported_as(subject) is not None


# --- a stretch of messages ---


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some messages in the order they were written; whether there are earlier and later ones."""

    messages: list[Message]
    earlier: bool
    later: bool


def newest(conversation: Conversation, before: int | None = None) -> Stretch:
    """The last messages, or the last before one of them."""
    own = _of(conversation).order_by(Message.id.desc()).limit(PART + 1)
    if before is not None:
        own = own.where(Message.id < before)
    found = list(db.session.scalars(own))
    return Stretch(found[:PART][::-1], len(found) > PART, before is not None)


def onward(conversation: Conversation, after: int) -> Stretch:
    """The messages that follow one of them."""
    own = _of(conversation).where(Message.id > after).order_by(Message.id).limit(PART + 1)
    found = list(db.session.scalars(own))
    return Stretch(found[:PART], True, len(found) > PART)


def around(conversation: Conversation, message_id: int) -> Stretch:
    """A message with some before it and those that follow."""
    before = sa.select(Message.id).where(Message.conversation_id == conversation.id, Message.id < message_id)
    first = db.session.scalar(before.order_by(Message.id.desc()).offset(LEAD).limit(1))
    found = onward(conversation, first or 0)
    return Stretch(found.messages, first is not None, found.later)


def _of(conversation: Conversation) -> sa.Select[Message]:
    return sa.select(Message).where(Message.conversation_id == conversation.id).options(joinedload(Message.author))


# --- a person's ---


class Mine(NamedTuple):
    """A line in the list of one's conversations."""

    conversation: Conversation
    seat: Seat
    last: Message
    thing: Thing

    @property
    def unread(self) -> bool:
        """Whether something was written that the person has not seen."""
        return self.conversation.last_id > self.seat.read_id


def of_person(person: Person) -> sa.Select[Conversation, Seat, Message]:
    """A person's conversations with their latest messages, latest first."""
    return (
        sa.select(Conversation, Seat, Message)
        .join(Seat, Seat.conversation_id == Conversation.id)
        .join(Message, Message.id == Conversation.last_id)
        .where(Seat.person_id == person.id)
        .options(joinedload(Message.author))
        .order_by(Conversation.last_at.desc(), Conversation.id.desc())
    )


def part_of_person(person: Person, *, in_office: bool, unread: bool) -> sa.Select[Conversation, Seat, Message]:
    """Those they have for themselves or for what they speak for; perhaps only those with something new."""
    part = of_person(person).where(Seat.in_office == in_office)
    return part.where(Conversation.last_id > Seat.read_id) if unread else part


def listed(person: Person, query: sa.Select[Conversation, Seat, Message]) -> list[Mine]:
    """Some of a list, with what each is about; without those in which the person has no part any more."""
    rows = db.session.execute(query).all()
    about = things.find_all(row[0].subject for row in rows)
    found = [Mine(*row, about[row[0].subject]) for row in rows if row[0].subject in about]
    return [one for one in found if policy.may_read(person, one.thing.sides)]


def seat_of(person: Person, conversation: Conversation) -> Seat | None:
    """A person's place in a conversation."""
    return db.session.get(Seat, (conversation.id, person.id))


def seats_of(conversation: Conversation) -> list[Seat]:
    """Every place in a conversation, as it is now."""
    own = sa.select(Seat).where(Seat.conversation_id == conversation.id)
    return list(db.session.scalars(own, execution_options={"populate_existing": True}))


def seated(person_id: int, conversation_ids: Collection[int]) -> set[int]:
    """In which of these conversations someone has a place."""
    own = sa.select(Seat.conversation_id).where(Seat.person_id == person_id, Seat.conversation_id.in_(conversation_ids))
    return set(db.session.scalars(own))


def last_to(seat: Seat) -> int | None:
    """The latest message to someone that they have not read."""
    to_them = sa.select(sa.func.max(Message.id)).where(
        Message.conversation_id == seat.conversation_id, Message.side != seat.side, Message.id > seat.read_id
    )
    return db.session.scalar(to_them)


def waiting_for(conversation_id: int, message_id: int) -> list[int]:
    """Who is to be told of this message and has not read it."""
    told = sa.select(Seat.person_id).where(Seat.conversation_id == conversation_id, Seat.told_id == message_id)
    return list(db.session.scalars(told.where(Seat.read_id < message_id).order_by(Seat.person_id)))


def names_of(ids: Collection[int]) -> list[str]:
    """The names of people, in order."""
    return list(db.session.scalars(sa.select(Person.name).where(Person.id.in_(ids)).order_by(Person.name)))


def rows_of(person: Person) -> sa.Select[*tuple[Any, ...]]:
    """What someone wrote, for the copy of their data."""
    own = sa.select(Conversation.subject.label("about"), Message.written_at, Message.text, Message.deleted_at)
    return own.join(Conversation, Conversation.id == Message.conversation_id).where(
        Message.author_id == person.id
    ).order_by(Message.id)  # fmt: skip


def rows_to(person: Person) -> sa.Select[*tuple[Any, ...]]:
    """What was written to someone who speaks for themselves, for the same."""
    to_them = sa.and_(Seat.conversation_id == Message.conversation_id, Seat.side != Message.side)
    return (
        sa.select(Conversation.subject.label("about"), Message.written_at, Message.text)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .join(Seat, to_them)
        .where(Seat.person_id == person.id, ~Seat.in_office, ~Message.hidden)
        .order_by(Message.id)
    )


def looks_at(conversation: Conversation) -> list[audit.AuditEntry]:
    """When moderators looked at a conversation, latest first."""
    looks = sa.select(audit.AuditEntry).where(
        audit.AuditEntry.subject == conversation.name, audit.AuditEntry.action == LOOKED
    )
    return list(db.session.scalars(looks.order_by(audit.AuditEntry.id.desc()).limit(5)))


# --- what stands in the way ---


def hindrance(person: Person, sides: Sides) -> DomainError | None:
    """Why someone of a side cannot write now, if something is in the way."""
    try:
        expect_may_act(person)
    except DomainError as refusal:
        return refusal
    side = policy.side_of(person, sides)
    if not sides.open:
        return errors.Over()
    if side is None or not policy.across(side, sides):
        return errors.NobodyThere()
    other = policy.other_of_two(person, sides)
    return _block_between(person, other) if other is not None else None


def _block_between(person: Person, other_id: int) -> DomainError | None:
    pair = (person.id, other_id)
    between = sa.select(Block).where(Block.blocker_id.in_(pair), Block.blocked_id.in_(pair))
    blocks = db.session.scalars(between.options(joinedload(Block.blocked))).all()
    own = next((block for block in blocks if block.blocker_id == person.id), None)
    if own is not None:
        return errors.Blocked(name=own.blocked.name)
    return errors.NotNow() if blocks else None


def blocked_by(person: Person) -> list[Block]:
    """Whom someone has blocked, latest first."""
    own = sa.select(Block).where(Block.blocker_id == person.id).options(joinedload(Block.blocked))
    return list(db.session.scalars(own.order_by(Block.made_at.desc(), Block.blocked_id)))


def rows_blocked(person: Person) -> sa.Select[*tuple[Any, ...]]:
    """The same, for the copy of one's data."""
    named = sa.select(Person.name, Block.made_at).join(Person, Person.id == Block.blocked_id)
    return named.where(Block.blocker_id == person.id).order_by(Block.made_at)
