"""Whoever does not wish to hear from a neighbour blocks them; who speaks for a building cannot be blocked."""

import pytest
import sqlalchemy as sa

from marketplace.civic.conversations import errors, policy, queries, service
from marketplace.civic.conversations.models import Block
from marketplace.kernel import db
from marketplace.kernel.errors import NotFound
from tests.factories import person, said


def test_neither_writes_to_the_other_and_only_the_blocker_reads_why(stone):
    jiwoo, minseo = person("Jiwoo"), person("Minseo")
    it, another = stone(jiwoo, minseo), stone(minseo, jiwoo)
    said(minseo, it.subject)
    service.block(jiwoo, it.sides)

    for thing in (it, another):
        with pytest.raises(errors.Blocked, match="blocked") as own:
            said(jiwoo, thing.subject)
        with pytest.raises(errors.NotNow) as theirs:
            said(minseo, thing.subject)
        assert str(own.value.sentence) == "You have blocked Minseo. Unblock them if you want to write."
        assert "block" not in str(theirs.value.sentence)


def test_unblocked_they_write_again_unless_the_other_has_blocked_too(stone):
    jiwoo, minseo = person(), person()
    it = stone(jiwoo, minseo)
    service.block(jiwoo, it.sides)
    service.block(jiwoo, it.sides)
    service.block(minseo, it.sides)

    service.unblock(jiwoo, minseo.id)
    with pytest.raises(errors.NotNow):
        said(jiwoo, it.subject)
    service.unblock(minseo, jiwoo.id)

    assert said(jiwoo, it.subject).id
    assert queries.blocked_by(jiwoo) == []


def test_a_building_cannot_be_blocked_and_blocked_neighbours_still_talk_as_building_and_resident(stone):
    jiwoo, manager = person(), person()
    neighbours, booking = stone(jiwoo, manager), stone(jiwoo, manager, other_for="Library")
    service.block(jiwoo, neighbours.sides)

    for one in (jiwoo, manager):
        with pytest.raises(NotFound):
            service.block(one, booking.sides)
        assert said(one, booking.subject).id


def test_a_side_of_several_cannot_be_blocked(stone):
    jiwoo = person()

    assert policy.other_of_two(jiwoo, stone(jiwoo, [person(), person()]).sides) is None


def test_strangers_block_nobody(stone):
    with pytest.raises(NotFound):
        service.block(person(), stone(person(), person()).sides)


def test_nobody_blocks_themselves_even_by_hand():
    jiwoo = person()

    with pytest.raises(sa.exc.IntegrityError, match="of_someone_else"):
        db.session.execute(sa.insert(Block).values(blocker_id=jiwoo.id, blocked_id=jiwoo.id))
