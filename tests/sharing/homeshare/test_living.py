"""From two yeses to living together and apart again, by the verbs of the service."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from marketplace.civic.moderation.models import Concern
from marketplace.kernel import clock, db
from marketplace.kernel.errors import NotFound
from marketplace.sharing.homeshare import errors, policy
from marketplace.sharing.homeshare.models.agreements import (
    MOVED_IN_SIGNED,
    SETTLED,
    SIGNED_AS_IT_IS,
    Agreement,
    Signature,
)
from marketplace.sharing.homeshare.models.applications import ApplicationState, Side
from marketplace.sharing.homeshare.models.checkins import CheckIn, Going, Matter, MatterKind, Outcome
from marketplace.sharing.homeshare.models.locked import unlock
from marketplace.sharing.homeshare.models.matches import Answer, EndReason, Match, MatchState, Meeting, NoReason
from marketplace.sharing.homeshare.queries import matches as queries
from marketplace.sharing.homeshare.service import (
    agreements,
    checkins,
    forgetting_matches,
    living,
    matches,
    matters,
    meetings,
)
from tests import factories
from tests.sharing.homeshare.living import agreeing, meeting, on_trial, proposed

pytestmark = pytest.mark.usefixtures("app")
DAY = timedelta(days=1)
WELL: dict[str, Any] = {"going": Going.WELL, "hours_kept": True, "safe": True, "talk": False}


def refused(name):
    """The database refuses by this name."""
    return pytest.raises(sa.exc.IntegrityError, match=name)


# --- two yeses ---


def test_two_yeses_lead_to_a_meeting_and_one_alone_does_not():
    two = proposed()
    student, host = two.both

    assert matches.answer(host, two.match, Answer.YES).state is MatchState.PROPOSED
    assert not policy.shows_names(two.match)
    assert matches.answer(student, two.match, Answer.YES).state is MatchState.MEETING
    assert policy.shows_names(two.match)
    assert not policy.shows_address(two.match)


def test_a_no_needs_a_reason_and_leaves_both_in_line():
    two = proposed()
    student, _host = two.both
    since = two.student.waiting_since

    with pytest.raises(errors.NoNeedsReason):
        matches.answer(student, two.match, Answer.NO)
    matches.answer(student, two.match, Answer.NO, NoReason.TOO_FAR, "Two buses.")

    found = two.match
    assert (found.state, found.student_reason) == (MatchState.DECLINED, NoReason.TOO_FAR)
    assert "buses" not in found.student_words
    assert unlock(found, "student_words") == "Two buses."
    assert (two.student.state, two.student.waiting_since) == (ApplicationState.OPEN, since)


def test_an_answer_said_twice_changes_nothing():
    two = proposed()
    student, _host = two.both
    matches.answer(student, two.match, Answer.NO, NoReason.RENT)
    ended_at = two.match.ended_at

    assert matches.answer(student, two.match, Answer.NO, NoReason.OTHER).student_reason is NoReason.RENT
    assert two.match.ended_at == ended_at
    with pytest.raises(errors.MatchWentOn):
        matches.answer(student, two.match, Answer.YES)


def test_a_question_moves_the_deadline_once(monday):
    two = proposed()
    student, host = two.both
    answer_by = two.match.answer_by

    matches.answer(student, two.match, Answer.ASK, words="Is there a desk?")
    matches.answer(host, two.match, Answer.ASK)

    assert two.match.answer_by == answer_by + matches.LONGER
    asked = db.session.scalars(queries.open_matters(two.coordinator)).all()
    assert [(one.kind, one.side) for one in asked] == [
        (MatterKind.QUESTION, Side.STUDENT), (MatterKind.QUESTION, Side.HOST),
    ]  # fmt: skip
    matters.settle(two.coordinator, two.match, asked[0], Outcome.ANSWERED, reply="Yes.")
    with pytest.raises(errors.SettledAlready):
        matters.settle(two.coordinator, two.match, asked[0], Outcome.CALLED)
    assert matches.answer(student, two.match, Answer.YES).student_answer is Answer.YES


def test_a_stranger_answers_nothing():
    two = proposed()

    with pytest.raises(NotFound):
        matches.answer(two.coordinator, two.match, Answer.YES)


def test_what_is_not_answered_in_time_ends_by_itself(monday):
    two = proposed()
    student, host = two.both
    matches.answer(student, two.match, Answer.YES)

    monday(two.match.answer_by - timedelta(hours=1))
    matches.run_out()
    matches.remind()
    assert two.match.reminded_at is not None
    monday(two.match.answer_by)
    with pytest.raises(errors.TooLateToAnswer):
        matches.answer(host, two.match, Answer.YES)
    matches.run_out()

    assert two.match.state is MatchState.EXPIRED
    assert matches.propose(two.student, factories.home(), None, {}).state is MatchState.PROPOSED


def test_the_database_takes_no_answer_after_the_deadline_and_no_reason_without_a_no():
    two = proposed()
    late = two.match.answer_by + timedelta(seconds=1)

    with refused("answered_in_time"), db.session.begin_nested():
        db.session.execute(sa.update(Match).values(host_answer=Answer.YES, host_answered_at=late))
    with refused("reason_of_a_no"), db.session.begin_nested():
        db.session.execute(sa.update(Match).values(host_reason=NoReason.RENT))


# --- meeting ---


def test_the_address_is_known_once_a_coordinator_confirms_it(monday):
    two = meeting()
    soon = clock.now() + DAY
    meetings.arrange(two.coordinator, two.match, soon, "Riverside House")
    assert not policy.shows_address(two.match)

    meetings.arrange(two.coordinator, two.match, soon + DAY, "At home", at_home=True)
    assert policy.shows_address(two.match)
    assert [one.changed for one in db.session.scalars(sa.select(Meeting))] == [1]
    with pytest.raises(errors.NotMetYet):
        meetings.go_on(two.coordinator, two.match)


def test_a_coordinator_does_not_tend_their_own_match():
    two = meeting()
    student = factories.coordinator("Also A Student")
    own = matches.propose(factories.student(student), factories.home(), None, {})

    with pytest.raises(errors.OwnMatch):
        meetings.arrange(student, own, clock.now() + DAY, "Riverside House")
    assert two.match.meeting is None


def test_after_the_meeting_it_may_come_to_nothing(monday):
    two = meeting()

    matches.withdraw(two.coordinator, two.match, EndReason.NOT_SUITED, "They did not get on.")

    found = two.match
    assert (found.state, found.end_reason) == (MatchState.WITHDRAWN, EndReason.NOT_SUITED)
    assert not policy.shows_names(found)


# --- agreement ---


def test_a_change_is_a_new_edition_that_nobody_has_signed(monday):
    two = agreeing(monday)
    student, host = two.both
    first = queries.get_agreement(two.match)
    agreements.sign(host, two.match, first.digest)

    agreements.change(two.coordinator, two.match, {"rent": 220_000})
    second = queries.get_agreement(two.match)

    assert (second.number, second.signatures, second.digest == first.digest) == (first.number + 1, [], False)
    with pytest.raises(errors.AgreementChanged):
        agreements.sign(student, two.match, first.digest)
    assert agreements.change(two.coordinator, two.match, {"rent": 220_000}).id == second.id


def test_the_same_signature_twice_is_one_and_both_begin_the_trial(monday):
    two = agreeing(monday)
    student, host = two.both
    digest = queries.get_agreement(two.match).digest
    for person in (host, host, student, student):
        agreements.sign(person, two.match, digest)

    found = two.match
    assert (found.state, found.moved_in_on) == (MatchState.TRIAL, clock.today())
    assert found.trial_until == clock.today() + 30 * DAY
    assert db.count(sa.select(Signature.id)) == 2
    with pytest.raises(errors.MatchWentOn):
        agreements.change(two.coordinator, two.match, {"rent": 230_000})


def test_the_rent_stays_within_what_the_programme_allows(monday):
    two = agreeing(monday)

    with pytest.raises(errors.RentOutOfBounds):
        agreements.change(two.coordinator, two.match, {"rent": 900_000})


def test_who_signs_early_moves_in_on_the_day(monday):
    two = agreeing(monday)
    agreements.change(two.coordinator, two.match, {"moves_in_on": (clock.today() + 3 * DAY).isoformat()})
    for person in two.both:
        agreements.sign(person, two.match, queries.get_agreement(two.match).digest)
    living.run_out()
    assert two.match.state.value == "agreeing"
    with pytest.raises(errors.SignedByBoth):
        agreements.change(two.coordinator, two.match, {"rent": 230_000})

    monday(clock.now() + 3 * DAY)
    living.run_out()
    assert two.match.state is MatchState.TRIAL


def test_the_database_takes_no_signature_of_another_text_or_side(monday):
    two = agreeing(monday)
    student, host = two.both
    current = agreements.change(two.coordinator, two.match, {"rent": 210_000})
    replaced = db.session.scalars(sa.select(Agreement).where(Agreement.replaced_at.is_not(None))).one()
    sign = sa.insert(Signature)

    def row(agreement, side, by, digest=None):
        return {
            "agreement_id": agreement.id, "digest": digest or agreement.digest, "side": side, "by_id": by.id,
            "signed_at": clock.now(),
        }  # fmt: skip

    for wrong in (row(current, Side.HOST, student), row(replaced, Side.HOST, host)):
        with refused(SIGNED_AS_IT_IS), db.session.begin_nested():
            db.session.execute(sign.values(**wrong))
    with refused("(?i)foreign key"), db.session.begin_nested():
        db.session.execute(sign.values(**row(current, Side.HOST, host, "0" * 64)))
    with refused(MOVED_IN_SIGNED), db.session.begin_nested():
        moved = {"state": MatchState.TRIAL, "moved_in_on": clock.today(), "trial_until": clock.today() + 14 * DAY}
        db.session.execute(sa.update(Match).values(**moved))


def test_the_database_keeps_what_both_signed(monday):
    two = on_trial(monday)
    mine = sa.update(Agreement).where(Agreement.id == queries.get_agreement(two.match).id)

    for change in ({"replaced_at": clock.now()}, {"digest": "0" * 64}):
        with refused(SETTLED), db.session.begin_nested():
            db.session.execute(mine.values(**change))


# --- living together ---


def test_both_are_asked_alone_and_who_does_not_answer_is_called(monday):
    two = on_trial(monday)
    start = clock.now()
    assert [one.due_on - clock.today() for one in queries.checkins_of(two.match, Side.HOST)] == [
        3 * DAY,
        14 * DAY,
        30 * DAY,
    ]
    with pytest.raises(errors.NothingToAnswer):
        checkins.answer(two.home.person, two.match, **WELL)

    monday(start + 3 * DAY)
    checkins.run_out()
    checkins.answer(two.home.person, two.match, **WELL)
    monday(start + 7 * DAY)
    checkins.run_out()
    checkins.run_out()

    found = db.session.scalars(queries.open_matters(two.coordinator)).all()
    assert [(one.kind, one.side) for one in found] == [(MatterKind.MISSED, Side.STUDENT)]


def test_a_worry_reaches_coordinators_and_who_is_not_safe_officers_at_once(monday):
    two = on_trial(monday)
    monday(clock.now() + 3 * DAY)
    checkins.answer(two.home.person, two.match, **WELL | {"hours_kept": False})
    assert db.count(sa.select(Concern.id)) == 0
    checkins.answer(two.student.person, two.match, **WELL | {"safe": False}, words="He shouts.")

    found = db.session.scalars(queries.open_matters(two.coordinator)).all()
    assert [one.kind for one in found] == [MatterKind.WORRY, MatterKind.WORRY]
    concern = db.session.scalars(sa.select(Concern)).one()
    assert concern.reporter_id == two.student.person_id
    assert "shouts" not in concern.note_locked


def test_two_who_want_to_go_on_live_together_and_are_asked_each_quarter(monday):
    two = on_trial(monday)
    with pytest.raises(errors.TrialGoesOn):
        living.say(two.home.person, two.match, True)
    monday(clock.now() + 25 * DAY)
    for person in two.both:
        living.say(person, two.match, True)
    assert two.match.state is MatchState.LIVING

    monday(clock.now() + 120 * DAY)
    checkins.run_out()
    moved_in_on = two.match.moved_in_on or clock.today()
    assert max(one.due_on for one in queries.checkins_of(two.match)) == moved_in_on + 121 * DAY


def test_who_does_not_go_on_ends_it_with_the_trial_and_both_look_again(monday):
    two = on_trial(monday)
    monday(clock.now() + 25 * DAY)
    living.say(two.home.person, two.match, False)
    monday(clock.now() + 6 * DAY)
    living.run_out()

    found = two.match
    assert (found.state, found.end_reason) == (MatchState.ENDED, EndReason.TRIAL_OVER)
    assert matches.propose(two.student, factories.home(), None, {}).state is MatchState.PROPOSED


def test_a_trial_about_which_nobody_says_anything_is_seen_to_and_then_ends(monday):
    two = on_trial(monday)
    monday(clock.now() + 31 * DAY)
    living.run_out()
    assert two.match.state.value == "trial"
    assert queries.is_asked_for(two.match, MatterKind.MISSED)

    monday(clock.now() + 8 * DAY)
    living.run_out()
    assert two.match.state is MatchState.ENDED


def test_notice_is_given_once_and_ends_it_on_its_day(monday):
    two = on_trial(monday)
    living.give_notice(two.home.person, two.match, EndReason.FAMILY, "My daughter comes back.")
    with pytest.raises(errors.NoticeGiven):
        living.give_notice(two.student.person, two.match, EndReason.MOVES)
    assert two.match.ends_on == clock.today() + 7 * DAY

    monday(clock.now() + 8 * DAY)
    living.run_out()
    assert (two.match.state, two.match.end_reason) == (MatchState.ENDED, EndReason.FAMILY)


def test_who_is_not_safe_ends_it_at_once(monday):
    two = on_trial(monday)

    living.end_at_once(two.student.person, two.match, "I have left.")
    living.end_at_once(two.student.person, two.match, "I have left.")

    assert two.match.state is MatchState.ENDED
    assert db.count(sa.select(Concern.id)) == 1
    assert db.count(sa.select(Matter.id).where(Matter.kind == MatterKind.EMERGENCY)) == 1


def test_a_conversation_is_asked_for_once_and_both_read_what_came_of_it(monday):
    two = on_trial(monday)
    matter = matters.ask_mediation(two.home.person, two.match, "It is loud at night.")
    with pytest.raises(errors.AskedForAlready):
        matters.ask_mediation(two.student.person, two.match)

    matters.settle(two.coordinator, two.match, matter, Outcome.AGREED, note="Both calm.", reply="Quiet from ten.")
    assert (unlock(matter, "reply"), matter.note.count("calm")) == ("Quiet from ten.", 0)


# --- keeping and forgetting ---


def test_words_go_after_a_year_and_all_of_it_after_six(monday):
    two = on_trial(monday)
    monday(clock.now() + 3 * DAY)
    checkins.answer(two.home.person, two.match, **WELL, words="She cooks well.")
    living.end_at_once(two.home.person, two.match, "Enough.")

    monday(clock.now() + 366 * DAY)
    forgetting_matches.thin()
    assert (two.match.end_words, two.match.meeting) == ("", None)
    assert db.session.scalars(sa.select(CheckIn.words)).all() == [""]

    monday(clock.now() + 6 * 366 * DAY)
    forgetting_matches.thin()
    for table in (Match, Agreement, Signature, CheckIn, Matter):
        assert db.count(sa.select(table.id)) == 0
