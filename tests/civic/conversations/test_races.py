"""Two who act at the same instant, in processes of their own."""

import sqlalchemy as sa

from marketplace.civic.conversations import errors, queries, service
from marketplace.civic.conversations.models import Block, Conversation, Message, Seat
from marketplace.kernel import clock, db
from marketplace.kernel.occupancy import Expired
from tests.conftest import MONDAY
from tests.factories import person, said
from tests.kernel.test_occupancy_race import disconnect, race

ROUNDS = 5


def test_of_many_first_messages_all_come_into_one_conversation(live_database, stone):
    with clock.frozen(MONDAY):
        jiwoo, minseo = person(), person()
        them = [stone(jiwoo, minseo) for _ in range(ROUNDS)]
        db.session.commit()
        disconnect()

        outcomes = race(
            live_database,
            lambda number, turn: said((jiwoo, minseo)[number % 2], them[turn].subject, f"Number {number}"),
            processes=8,
            rounds=ROUNDS,
        )

    assert [set(outcome.values()) for outcome in outcomes] == [{"done"}] * ROUNDS
    with db.transaction(read_only=True) as session:
        assert session.scalar(sa.select(sa.func.count(Conversation.id))) == ROUNDS
        assert session.scalar(sa.select(sa.func.count(Seat.person_id))) == 2 * ROUNDS
        for one in session.scalars(sa.select(Conversation)):
            messages = queries.newest(one).messages
            assert len({message.text for message in messages}) == len(messages) == 8
            assert one.last_id == messages[-1].id


def test_once_someone_is_blocked_nothing_more_arrives_from_them(live_database, stone):
    """Each block notes which message is the last; whatever comes at the same instant is before it or refused."""
    with clock.frozen(MONDAY):
        jiwoo, minseo = person(), person()
        it = stone(jiwoo, minseo)
        said(minseo, it.subject)
        db.session.commit()
        disconnect()

        def attempt(number: int, turn: int) -> None:
            if number == 0:
                service.block(jiwoo, it.sides)
                _note()
                return
            try:
                said(minseo, it.subject, f"{turn}")
            except errors.NotNow as refusal:
                raise Expired from refusal  # one of the refusals that a race knows

        outcomes = []
        for _ in range(ROUNDS):
            outcomes += race(live_database, attempt, processes=4, rounds=1)
            with db.transaction(read_only=True) as session:
                noted = session.scalar(sa.select(Block.made_at))
                last = session.scalar(sa.select(sa.func.max(Message.id)))
            assert noted == _moment(last)
            with db.transaction():
                service.unblock(jiwoo, minseo.id)
            disconnect()

    assert {what for outcome in outcomes for what in outcome.values()} <= {"done", "expired"}
    assert all(outcome[0] == "done" for outcome in outcomes)


def _moment(message_id):
    """A moment that stands for a message."""
    return MONDAY.replace(microsecond=message_id)


def _note():
    """Keep beside the block which message was the last when it was made."""
    last = db.session.scalar(sa.select(sa.func.max(Message.id)))
    db.session.execute(sa.update(Block).values(made_at=_moment(last)))


def test_a_message_and_its_reading_at_the_same_instant_leave_nothing_unread_that_was_read(live_database, stone):
    with clock.frozen(MONDAY):
        jiwoo, minseo = person(), person()
        it = stone(jiwoo, minseo)
        first = said(jiwoo, it.subject)
        db.session.commit()
        disconnect()

        def attempt(number: int, _turn: int) -> None:
            if number % 2:
                said(jiwoo, it.subject)
            else:
                service.read(minseo.id, first.conversation_id, first.id)

        assert set(race(live_database, attempt, processes=4, rounds=1)[0].values()) == {"done"}
    with db.transaction(read_only=True) as session:
        seat = session.get_one(Seat, (first.conversation_id, minseo.id))
        assert seat.read_id == first.id
        assert seat.told_id is not None
        assert session.get_one(Conversation, first.conversation_id).last_id == first.id + 2
