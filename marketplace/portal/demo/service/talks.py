"""What residents and buildings of the fictional city wrote to each other about bookings."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person, RoleGrant
from marketplace.civic.conversations.models import Conversation, Message, Seat, Side
from marketplace.kernel import clock, db, things
from marketplace.portal.demo.service import rows, words
from marketplace.portal.demo.service.inbox import Inbox
from marketplace.portal.demo.service.people import Crowd
from marketplace.sharing.spaces.models import Booking, BookingState, Space

TALKED_ABOUT = (BookingState.REQUESTED, BookingState.CONFIRMED)
OF_AN_ACCOUNT = 4
"""In how many conversations the accounts to look around with have a part."""

UNREAD, FRESH = 0.1, timedelta(days=7)
"""Everybody leaves some messages unread, the accounts to look around with those of the last days."""

AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Insult:
    """The message that its reader reported."""

    message_id: int
    author_id: int
    reader_id: int
    text: str
    written_at: datetime


def talk(random: Random, count: int, crowd: Crowd, inbox: Inbox) -> tuple[int, Insult | None]:
    """Write about so many conversations, those of the accounts to look around with first; says how many."""
    talking = _Talking(random, crowd, inbox)
    for booking in _chosen(random, count, crowd):
        talking.about(booking)
    rows.write(talking.conversations)
    rows.write(talking.messages)
    rows.write(talking.seats)
    return len(talking.conversations), talking.insult


def _chosen(random: Random, count: int, crowd: Crowd) -> Iterator[sa.Row[Any]]:
    """The latest bookings of the resident, of rooms that the manager runs, and some of everybody's."""
    booking = (
        sa.select(Booking.id, Booking.created_at, Booking.person_id, Space.building_id, Person.language)
        .join(Space, Space.id == Booking.space_id)
        .join(Person, Person.id == Booking.person_id)
        .where(Booking.state.in_(TALKED_ABOUT), Booking.created_at < clock.at(clock.today(), 0) - timedelta(hours=12))
    )
    run = sa.select(RoleGrant.building_id).where(RoleGrant.person_id == crowd.shown["manager"].id)
    theirs = (Booking.person_id == crowd.shown["resident"].id, Space.building_id.in_(run))
    latest = [booking.where(one).order_by(Booking.created_at.desc(), Booking.id).limit(OF_AN_ACCOUNT) for one in theirs]
    known = {one.id: one for query in latest for one in db.rows(query)}
    yield from known.values()
    last = db.session.scalar(sa.select(sa.func.max(Booking.id))) or 0
    ids = [number for number in random.sample(range(1, last + 1), min(count, last)) if number not in known]
    for first in range(0, len(ids), AT_ONCE):
        some = Booking.id.in_(ids[first : first + AT_ONCE])
        yield from db.rows(booking.where(some).order_by(Booking.id))


class _Talking:
    def __init__(self, random: Random, crowd: Crowd, inbox: Inbox) -> None:
        self.random, self.managers, self.inbox = random, crowd.managers, inbox
        self.people = {person.id: person for person in crowd.people}
        self.shown = {person.id for person in crowd.shown.values()}
        self.conversations, self.messages, self.seats = list[Conversation](), list[Message](), list[Seat]()
        self.ids, self.message_ids = rows.numbers(Conversation), rows.numbers(Message)
        self.insult: Insult | None = None
        self.midnight = clock.at(clock.today(), 0)

    def about(self, booking: sa.Row[Any]) -> None:
        """Write the conversation about a booking, unless the building's manager booked it."""
        sides = {Side.ONE: booking.person_id, Side.OTHER: self.managers[booking.building_id]}
        if sides[Side.ONE] == sides[Side.OTHER]:
            return
        said = words.neighbours()
        reported = self.insult is None and not self.shown & set(sides.values())
        talk = self.random.choice(said["talks_reported" if reported else "talks"])
        conversation = Conversation(id=next(self.ids), subject=things.subject("booking", booking.id))
        written = self._written(conversation, talk["lines"], sides, booking)
        last = written[-1]
        conversation.last_id, conversation.last_at = last.id, last.written_at
        self.conversations.append(conversation)
        self.messages += written
        self._seat(conversation, written, sides)
        if reported and len(written) == len(talk["lines"]):
            self.insult = Insult(last.id, last.author_id, sides[Side.OTHER], last.text, last.written_at)

    def _written(
        self, conversation: Conversation, lines: list[list[str]], sides: dict[Side, int], booking: sa.Row[Any]
    ) -> list[Message]:
        """The messages that were written before today, in the booker's language."""
        at, made = booking.created_at, list[Message]()
        for side, korean, english in lines:
            at += timedelta(minutes=self.random.randrange(5, 300))
            if at >= self.midnight and made:
                break
            made.append(
                Message(
                    id=next(self.message_ids), conversation_id=conversation.id, author_id=sides[Side(side)],
                    side=Side(side), text=korean if booking.language == "ko" else english, flags=[], written_at=at,
                    hidden=False,
                )
            )  # fmt: skip
        return made

    def _seat(self, conversation: Conversation, written: list[Message], sides: dict[Side, int]) -> None:
        """Who wrote last has read all; the other perhaps not yet, and is told so."""
        last = written[-1]
        for side, person_id in sides.items():
            fresh = person_id in self.shown and last.written_at > self.midnight - FRESH
            unread = side is not last.side and (fresh or self.random.random() < UNREAD)
            before = max((one.id for one in written if one.side is side), default=0)
            self.seats.append(
                Seat(
                    conversation_id=conversation.id, person_id=person_id, side=side, in_office=side is Side.OTHER,
                    read_id=before if unread else last.id, told_id=last.id if unread else None,
                )
            )  # fmt: skip
            if unread and person_id in self.shown:
                author = self.people[last.author_id]
                self.inbox.tell(
                    self.people[person_id], "conversations.message", conversation.name, last.written_at,
                    name=author.name, names=author.id,
                )  # fmt: skip
