"""What the database itself holds fast of home share."""

import pytest
import sqlalchemy as sa

from marketplace.kernel import clock, db
from marketplace.sharing.homeshare import errors
from marketplace.sharing.homeshare.models.applications import ApplicationState
from marketplace.sharing.homeshare.models.checks import Check, CheckKind, good_until
from marketplace.sharing.homeshare.models.matches import ROOM_FOR_ALL, Match, MatchState
from marketplace.sharing.homeshare.service import matches
from tests import factories


def refused(name):
    """The database refuses by this name."""
    return pytest.raises(sa.exc.IntegrityError, match=name)


def test_a_home_is_kept_for_no_more_people_than_it_has_rooms():
    home = factories.home(rooms=2)
    factories.match(factories.student(), home)

    with refused(ROOM_FOR_ALL):
        factories.match(factories.student(people=2), home)


def test_a_room_given_up_is_free_again_and_cannot_be_taken_back_by_who_left():
    home = factories.home()
    first = factories.match(factories.student(), home, state=MatchState.DECLINED)
    factories.match(factories.student(), home)
    back = sa.update(Match).where(Match.id == first.id).values(state=MatchState.PROPOSED, ended_at=None)

    with refused(ROOM_FOR_ALL):
        db.session.execute(back)


def test_nobody_is_kept_two_rooms():
    student = factories.student()
    factories.match(student, factories.home())

    with refused("uq_homeshare_matches_student|homeshare_matches.student_id"):
        factories.match(student, factories.home())


def test_a_match_has_a_student_and_a_home():
    student, home = factories.student(), factories.home()

    with refused(ROOM_FOR_ALL):
        factories.match(home, student)


def test_nobody_meets_without_two_yeses():
    with refused("two_yeses"):
        factories.match(
            factories.student(), factories.home(), state=MatchState.MEETING, host_answer=None, host_answered_at=None
        )


def test_all_that_is_needed_holds_until_the_first_of_it_runs_out(monday):
    home = factories.home(checked=False)
    of_home = [factories.check(home, kind) for kind in CheckKind if kind is not CheckKind.ENROLMENT]
    assert good_until(home, of_home) is None

    of_home.append(factories.check(home, CheckKind.REFERENCE, until=(soon := clock.today())))
    assert good_until(home, of_home) == soon
    of_home.append(factories.check(home, CheckKind.VISIT, passed=False))
    assert good_until(home, of_home) is None
    assert home.state is ApplicationState.SENT


def test_two_who_come_together_are_both_checked():
    pair = factories.student(people=2)
    checks = db.session.scalars(sa.select(Check).where(Check.application_id == pair.id)).all()

    assert good_until(pair, []) is None
    assert good_until(pair, checks) is not None
    assert good_until(pair, [one for one in checks if not one.of_second]) is None


def test_a_proposal_that_comes_too_late_says_so():
    home = factories.home()
    matches.propose(factories.student(), home, None, {})

    with pytest.raises(errors.NoRoomLeft):
        matches.propose(factories.student(), home, None, {})
