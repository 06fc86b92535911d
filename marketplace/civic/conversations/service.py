"""Talking: the first message and every other, reading, taking back, hiding, blocking, and forgetting."""

from collections.abc import Collection
from datetime import timedelta

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person, Role
from marketplace.civic.accounts.queries import one_at_a_time
from marketplace.civic.conversations import errors, policy, queries
from marketplace.civic.conversations.models import Block, Conversation, Message, Seat, Side
from marketplace.civic.uploads import service as uploads
from marketplace.kernel import audit, clock, contacts, db, jobs, looking, things
from marketplace.kernel.access import reveal
from marketplace.kernel.errors import NotFound
from marketplace.kernel.things import Sides
from marketplace.kernel.writing import show_list

PATIENCE = timedelta(minutes=2)
"""How long a message waits for its reader before a notice goes out: who is reading along needs none."""

MOST_FILES = 4
"""So many pictures and recordings come with one message."""

AT_ONCE = 200
"""So many conversations are looked through in one job."""


# --- writing ---


def about(person: Person, subject: str) -> Conversation:
    """The conversation about a thing, begun now if need be; of two who begin at the same instant both get the same.

    Raises NotFound unless the person is on one of its sides.
    """
    thing = things.find(subject)
    reveal(policy.may_read, person, thing.sides if thing else None)
    if (found := queries.by_subject(subject)) is not None:
        return found
    try:
        with db.session.begin_nested():
            begun = Conversation(subject=subject)
            db.session.add(begun)
            db.session.flush()
            return begun
    except sa.exc.IntegrityError:
        return db.session.scalars(sa.select(Conversation).where(Conversation.subject == subject)).one()


def say(
    person: Person, conversation: Conversation, text: str, upload_ids: Collection[int] = (), *, sure: bool = False
) -> Message:
    """Write to the other side.

    Raises what hinders the person from writing, NothingWritten, what is wrong with a file or, unless `sure`,
    HoldsContacts: telephone and account numbers are looked for as long as the thing is not agreed.
    """
    thing = things.find(conversation.subject)
    sides = thing.sides if thing else None
    side = policy.side_of(person, sides)
    if sides is None or side is None:
        raise NotFound
    _one_at_a_time(person, conversation, sides)
    if (hindrance := queries.hindrance(person, sides)) is not None:
        raise hindrance
    if not text and not upload_ids:
        raise errors.NothingWritten(field="text")
    found = [] if sides.agreed else contacts.find(text)
    if found and not sure:
        kinds = dict.fromkeys(str(one.kind.words) for one in found)
        raise errors.HoldsContacts(field="text", what=show_list(kinds), found=found)
    seats = _seated(conversation, sides)
    message = Message(
        conversation_id=conversation.id,
        author_id=person.id,
        side=side,
        text=text,
        flags=sorted({one.kind.value for one in found}),
        written_at=clock.now(),
    )
    db.session.add(message)
    db.session.flush()
    uploads.attach(person, upload_ids, message.name, most=MOST_FILES)
    conversation.last_id, conversation.last_at = message.id, message.written_at
    _let_them_know(message, seats)
    return message


def _one_at_a_time(person: Person, conversation: Conversation, sides: Sides) -> None:
    """Let nobody else write here, and of two neighbours neither block the other, until the transaction ends."""
    other = policy.other_of_two(person, sides)
    if other is not None:
        one_at_a_time(person.id, other)
    own = sa.select(Conversation).where(Conversation.id == conversation.id).with_for_update()
    db.session.scalars(own, execution_options={"populate_existing": True}).one()


def _seated(conversation: Conversation, sides: Sides) -> list[Seat]:
    """A place for everyone who is on a side now, and none for those who were; the conversation is locked.

    Whoever comes later need not read what was written before.
    """
    seats = {seat.person_id: seat for seat in queries.seats_of(conversation)}
    for person_id in seats.keys() - sides.people:
        db.session.delete(seats.pop(person_id))
    for person_id in sides.people:
        side = Side.ONE if person_id in sides.one else Side.OTHER
        if person_id not in seats:
            seats[person_id] = Seat(
                conversation_id=conversation.id, person_id=person_id, read_id=conversation.last_id, told_id=None
            )
            db.session.add(seats[person_id])
        seats[person_id].side = side
        seats[person_id].in_office = policy.office_of(side, sides) is not None
    db.session.flush()
    return list(seats.values())


def _let_them_know(message: Message, seats: Collection[Seat]) -> None:
    """Have the other side told; the writer has read what there is."""
    for seat in seats:
        if seat.person_id == message.author_id:
            seat.read_id, seat.told_id = message.id, None
    _tell_in_a_while([seat for seat in seats if seat.side is not message.side], message.id)


def _tell_in_a_while(seats: Collection[Seat], message_id: int) -> None:
    """Have these people told of a message if they have not read it by then, unless they are being told already."""
    waiting = [seat for seat in seats if seat.told_id is None]
    for seat in waiting:
        seat.told_id = message_id
    if waiting:
        at, conversation_id = clock.now() + PATIENCE, waiting[0].conversation_id
        jobs.enqueue("conversations.tell", run_at=at, conversation_id=conversation_id, message_id=message_id)
    db.session.flush()


# --- reading and taking back ---


def read(person_id: int, conversation_id: int, message_id: int) -> None:
    """Remember that someone of a side has read up to a message, so that a later one is told anew."""
    locked = sa.select(Conversation).where(Conversation.id == conversation_id).with_for_update()
    conversation = db.session.scalars(locked).first()
    sides = _sides(conversation) if conversation else None
    if conversation is None or sides is None:
        return
    seat = next((seat for seat in _seated(conversation, sides) if seat.person_id == person_id), None)
    if seat is None:
        return
    seat.read_id = max(seat.read_id, message_id)
    if seat.told_id is not None and seat.told_id <= seat.read_id:
        seat.told_id = None
    if (missed := queries.last_to(seat)) is not None:  # came while the page was on its way
        _tell_in_a_while([seat], missed)


def delete(person: Person, message: Message) -> None:
    """Take back what one has just written: that something was written stays. Not once it is reported.

    Raises NoLongerDeleted.
    """
    reveal(policy.may_read, person, _sides(message.conversation))
    if message.deleted_at is not None:
        return
    if not policy.may_delete(person, message) or queries.is_reported(message.name):
        raise errors.NoLongerDeleted(minutes=int(policy.REGRET.total_seconds()) // 60)
    _empty(message)
    uploads.detach(message.name)
    audit.record(person.id, "conversations.message_deleted", message.name)


def hide(message: Message, hidden: bool) -> None:
    """Take a message out of sight, or show it again; for moderators."""
    message.hidden = hidden


def remove(message: Message) -> None:
    """Delete for good what moderators removed: that something was written stays."""
    _empty(message)
    uploads.delete_of(message.name)


def _empty(message: Message) -> None:
    message.text, message.flags, message.deleted_at = "", [], message.deleted_at or clock.now()


def look(moderator_id: int, message_id: int, part: str) -> None:
    """Put on record, for both sides to see, that a moderator read a conversation because of a reported message."""
    message, thing = queries.message(message_id)
    audit.record(moderator_id, queries.LOOKED, message.conversation.name, because_of=message.name, part=part)
    people = thing.sides.people if thing and thing.sides else {message.author_id}
    office = {"role": Role.MODERATOR, "reason": queries.reported_as(message.name)}
    looking.put_down(moderator_id, queries.READING, dict.fromkeys(sorted(people), office))


def _sides(conversation: Conversation) -> Sides | None:
    thing = things.find(conversation.subject)
    return thing.sides if thing else None


# --- blocking ---


def block(person: Person, sides: Sides | None) -> None:
    """Hear no more from the other one of two, nor write to them. Done again, it changes nothing."""
    other = policy.other_of_two(person, sides) if sides else None
    if other is None:
        raise NotFound
    one_at_a_time(person.id, other)
    if db.session.get(Block, (person.id, other)) is None:
        db.session.add(Block(blocker_id=person.id, blocked_id=other))
        db.session.flush()


def unblock(person: Person, other_id: int) -> None:
    """Let the two write to each other again, as far as this one is concerned."""
    db.session.execute(sa.delete(Block).where(Block.blocker_id == person.id, Block.blocked_id == other_id))


# --- those who come and go ---


def seat_everywhere(person_id: int, after: int = 0) -> None:
    """Give someone whose office has changed their places in conversations, and take those that are no longer theirs."""
    some = sa.select(Conversation).where(Conversation.id > after).order_by(Conversation.id).limit(AT_ONCE)
    found = list(db.session.scalars(some.with_for_update()))
    seated = queries.seated(person_id, [one.id for one in found])
    about = things.find_all(one.subject for one in found)
    for conversation in found:
        thing = about.get(conversation.subject)
        if thing and thing.sides and (person_id in thing.sides.people) != (conversation.id in seated):
            _seated(conversation, thing.sides)
    if len(found) == AT_ONCE:
        jobs.enqueue("conversations.seat_everywhere", person_id=person_id, after=found[-1].id)


# --- forgetting ---


def erase(person: Person) -> None:
    """Empty all that someone wrote: that something was written stays for the other side, and what was agreed stands
    in the thing itself. Whom they blocked, who blocked them and what they were to be told is forgotten.
    """
    own = sa.update(Message).where(Message.author_id == person.id)
    gone_at = sa.func.coalesce(Message.deleted_at, sa.literal(clock.now(), db.UtcDateTime))
    db.session.execute(own.values(text="", flags=[], deleted_at=gone_at))
    db.session.execute(sa.delete(Seat).where(Seat.person_id == person.id))
    db.session.execute(sa.delete(Block).where(sa.or_(Block.blocker_id == person.id, Block.blocked_id == person.id)))


def forget() -> int:
    """Delete conversations in which nothing was written for a year; returns how many."""
    quiet = sa.select(Conversation.id).where(Conversation.last_at < clock.now() - policy.KEPT).limit(AT_ONCE)
    old = list(db.session.scalars(quiet.with_for_update()))
    for table in (Message, Seat):
        db.session.execute(sa.delete(table).where(table.conversation_id.in_(old)))
    gone = db.changed(sa.delete(Conversation).where(Conversation.id.in_(old)))
    if len(old) == AT_ONCE:
        jobs.enqueue("conversations.forget")
    return gone
