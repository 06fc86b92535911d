"""Who may read, write and take back, and how long what was written is kept. No queries."""

from datetime import timedelta

from marketplace.civic.accounts.models import Person, Role
from marketplace.civic.conversations.models import Message, Side
from marketplace.kernel import clock
from marketplace.kernel.things import Sides

REGRET = timedelta(minutes=10)
"""How long one may take a message back."""

KEPT = timedelta(days=365)
"""How long a conversation stays after its last message, as the record of what was agreed."""


def side_of(person: Person, sides: Sides | None) -> Side | None:
    """The side that someone speaks for. Who booked a room of their own building speaks for themselves."""
    if sides is None:
        return None
    if person.id in sides.one:
        return Side.ONE
    speaks = person.id in sides.other and (person.on_duty or not sides.by_role)
    return Side.OTHER if speaks else None


def across(side: Side, sides: Sides) -> frozenset[int]:
    """Who is on the other side."""
    return sides.other - sides.one if side is Side.ONE else sides.one


def office_of(side: Side, sides: Sides) -> object | None:
    """The building or group that a side speaks for; None for those who speak for themselves."""
    return sides.one_for if side is Side.ONE else sides.other_for


def may_read(person: Person, sides: Sides | None) -> bool:
    """Only the two sides; even moderators only after a report."""
    return side_of(person, sides) is not None


def may_look(person: Person, reported: bool) -> bool:
    """Moderators look at the conversation of a message that was reported."""
    return reported and person.is_a(Role.MODERATOR)


def other_of_two(person: Person, sides: Sides) -> int | None:
    """The other one, where two people talk, each for themselves.

    Only there may one block the other. Who speaks for a building cannot be blocked: they must be able to say that a
    room is closed, and are reported instead.
    """
    alone = len(sides.one) == len(sides.other) == 1 and sides.one_for is None and sides.other_for is None
    side = side_of(person, sides)
    return next(iter(across(side, sides)), None) if alone and side is not None else None


def may_delete(person: Person, message: Message) -> bool:
    """One's own, soon after sending."""
    fresh = clock.now() <= message.written_at + REGRET
    return message.author_id == person.id and message.deleted_at is None and not message.hidden and fresh


def may_report(message: Message, side: Side | None) -> bool:
    """What the other side wrote and can still be read."""
    return message.side is not side and message.deleted_at is None and not message.hidden
