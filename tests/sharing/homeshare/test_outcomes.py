"""What living together did for people: asked once, answered or not, counted, and never told of one person."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.kernel import clock, db, retention
from marketplace.kernel.disclosure import Hidden
from marketplace.sharing.homeshare.errors import NothingToAnswer
from marketplace.sharing.homeshare.models.applications import Side
from marketplace.sharing.homeshare.models.matches import MatchState
from marketplace.sharing.homeshare.models.outcomes import Outcome
from marketplace.sharing.homeshare.queries import matches
from marketplace.sharing.homeshare.queries import outcomes as queries
from marketplace.sharing.homeshare.service import outcomes
from tests import factories


def living(state=MatchState.LIVING):
    """Two whose trial is over."""
    match = factories.match(factories.student(), factories.home(), state=state)
    match.trial_until = clock.today()
    db.session.flush()
    return match.id


def answered(yes, no, saved=None):
    """As many hosts who say that they are less lonely, and that they are not."""
    for said in [True] * yes + [False] * no:
        row = {"match_id": living(), "side": Side.HOST, "answered_at": clock.now(), "less_lonely": said}
        db.session.add(Outcome(**row, saved=saved))
    db.session.flush()
    return next(one for one in queries.achieved() if one.side is Side.HOST)


def test_both_sides_are_invited_once_and_never_before_the_trial_is_over():
    match, early = living(), factories.match(factories.student(), factories.home(), state=MatchState.TRIAL)

    outcomes.ask()
    outcomes.ask()

    asked = db.session.execute(sa.select(Outcome.match_id, Outcome.side)).all()
    assert {(one, side) for one, side in asked} == {(match, Side.HOST), (match, Side.STUDENT)}
    assert early.id != match


def test_an_answer_takes_the_place_of_the_one_before_and_may_be_taken_back():
    living()
    (match,) = queries.to_ask(clock.now())
    host = match.home.person
    with pytest.raises(NothingToAnswer):
        outcomes.answer(host, match, safer=True)
    outcomes.ask()

    outcomes.answer(host, match, safer=True, saved=100_000)
    assert outcomes.answer(host, match, safer=False, saved=None).safer is False
    assert outcomes.answer(host, match, safer=None, saved=None).answered_at is None
    assert db.count(sa.select(Outcome)) == 2


def test_the_database_takes_one_answer_a_side_and_match():
    row = {"match_id": living(), "side": Side.HOST, "invited_at": clock.now()}
    db.session.execute(sa.insert(Outcome).values(row))

    with pytest.raises(sa.exc.IntegrityError), db.session.begin_nested():
        db.session.execute(sa.insert(Outcome).values(row))
    with pytest.raises(sa.exc.IntegrityError), db.session.begin_nested():
        db.session.execute(sa.update(Outcome).values(safer=True))


def test_few_answers_are_hidden():
    said = answered(6, 4, saved=120_000)

    assert said.shares["less_lonely"].percent is None
    assert isinstance(said.shares["less_lonely"].of, Hidden)


def test_many_answers_are_told_as_shares_and_rough_sums():
    said = answered(5, 5, saved=123_456)

    assert said.shares["less_lonely"].percent == 50
    assert said.saved == 120_000
    assert said.shares["safer"].percent is None


def test_what_was_said_is_emptied_after_two_years_and_when_someone_leaves(monday):
    living()
    outcomes.ask()
    (match,) = [matches.held(one) for one in db.session.scalars(sa.select(Outcome.match_id).distinct())]
    for person in (match.home.person, match.student.person):
        outcomes.answer(person, match, recommends=True)

    outcomes.erase(match.home.person)
    assert list(db.session.scalars(sa.select(Outcome.side).where(Outcome.recommends.is_(True)))) == [Side.STUDENT]
    monday(clock.now() + outcomes.KEPT + timedelta(days=1))
    outcomes.thin()
    assert db.count(sa.select(Outcome).where(Outcome.answered_at.is_not(None))) == 0
    assert "homeshare_outcomes" in {one.table for one in retention.all_kept()}
