"""What home share achieved, held against counting it one by one."""

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock, db
from marketplace.kernel.disclosure import LEAST, Hidden
from marketplace.sharing.homeshare.models.applications import Application, ApplicationState, Side
from marketplace.sharing.homeshare.models.matches import Answer, Match, MatchState
from marketplace.sharing.homeshare.queries import figures
from marketplace.sharing.homeshare.queries.figures import Quarter, quarter_of
from tests import factories

HISTORIES = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def ago(days, minute=600):
    """A moment so many days before today."""
    return clock.at(clock.today() - timedelta(days=days), minute)


@st.composite
def lives(draw):
    """How it went with an applicant, in days and minutes: applied, checked, proposed, moved in, ended, closed."""
    sent = draw(st.integers(0, 900))
    steps = [sent]
    for _ in range(draw(st.integers(0, 4))):
        steps.append(draw(st.integers(0, steps[-1])))
    return steps, draw(st.booleans()), draw(st.integers(0, 1439))


@pytest.fixture
def people():
    """Who lives the lives."""
    made = [Person(email=f"life{number}@example.org", name=f"Life {number}", password_hash="") for number in range(60)]
    db.session.add_all(made)
    db.session.flush()
    return [one.id for one in made]


def live(steps: Any, closes: bool, minute: int, person_id: int | None = None) -> None:
    """Put a life into the database: two applications, and a match if it came so far."""
    person_id = person_id or factories.neighbour("Life Lived").id
    sent, checked, proposed, moved, ended = (*steps, None, None, None, None)[:5]
    both = []
    for side in (Side.STUDENT, Side.HOST):
        one = Application(
            side=side, person_id=person_id, sent_at=ago(sent, minute),
            waiting_since=None if checked is None else ago(checked, minute), state=ApplicationState.SENT,
        )  # fmt: skip
        if closes and (moved is None or ended is not None):
            one.state, one.closed_at = ApplicationState.CLOSED, ago(steps[-1], minute)
        db.session.add(one)
        both.append(one)
    db.session.flush()
    if proposed is None:
        return
    now = clock.now()
    match = Match(
        student_id=both[0].id, home_id=both[1].id, proposed_at=ago(proposed, minute), answer_by=now,
        student_answer=Answer.YES, host_answer=Answer.YES, student_answered_at=now, host_answered_at=now,
        state=MatchState.PROPOSED,
    )  # fmt: skip
    if moved is None and closes:
        match.state, match.ended_at = MatchState.DECLINED, ago(proposed, minute)
    if moved is not None:
        day = clock.today() - timedelta(days=moved)
        match.state, match.moved_in_on, match.trial_until = MatchState.TRIAL, day, day + timedelta(days=30)
    if ended is not None:
        match.state, match.ended_at = MatchState.ENDED, ago(ended, minute)
    db.session.add(match)
    db.session.flush()


def day_of(moment):
    return clock.local(moment).date()


def shares(cases: Any) -> Any:
    """By quarter and overall, how many of how many; as they would be without anything hidden."""
    counted: Any = defaultdict(lambda: [0, 0])
    for day, yes in cases:
        for key in (quarter_of(day), None):
            counted[key][0] += yes
            counted[key][1] += 1
    return counted


def agrees(found, cases):
    """What is shown is what was counted, and nothing small is shown."""
    counted = shares(cases)
    for key, share in [*found.by_quarter.items(), (None, found.overall)]:
        yes, of = counted[key]
        if share.percent is None:
            continue
        assert (share.yes, share.of) == (yes, of)
        assert min(yes, of - yes) >= LEAST
    yes, of = counted[None]
    if yes < LEAST or of - yes < LEAST:
        assert found.overall.percent is None


def nearest_rank(values, tenths):
    return sorted(values)[-(-len(values) * tenths // 10) - 1]


@pytest.mark.usefixtures("monday")
@HISTORIES
@given(st.lists(lives(), max_size=60))
def test_figures_are_those_that_counting_one_by_one_gives(people, histories):
    db.session.execute(sa.delete(Match))
    db.session.execute(sa.delete(Application))
    db.session.expunge_all()
    for person_id, one in zip(people, histories, strict=False):
        live(one[0], one[1], one[2], person_id)
    hold_against_brute_force()


def hold_against_brute_force():
    today = clock.today()
    applied: Any = db.session.scalars(sa.select(Application)).all()
    matches: Any = db.session.scalars(sa.select(Match)).all()
    moved: dict[int, date] = {}
    for one in matches:
        for side in (one.student_id, one.home_id):
            if one.moved_in_on:
                moved[side] = min(one.moved_in_on, moved.get(side, one.moved_in_on))
    ripe = [one for one in applied if day_of(one.sent_at) < today - timedelta(days=122)]
    soon = [
        (day_of(one.sent_at), one.id in moved and (moved[one.id] - day_of(one.sent_at)).days <= 122) for one in ripe
    ]
    agrees(figures.matched_soon(), soon)
    began = [one for one in matches if one.moved_in_on]
    agrees(figures.lasting(), [
        (one.moved_in_on, one.ended_at is None or (day_of(one.ended_at) - one.moved_in_on).days > 183)
        for one in began if one.moved_in_on < today - timedelta(days=183)
    ])  # fmt: skip
    closed = [one for one in applied if one.closed_at]
    agrees(figures.left_unmatched(), [(day_of(one.closed_at), one.id not in moved) for one in closed])

    over = [(day_of(one.ended_at) - one.moved_in_on).days for one in began if one.ended_at]
    whole = [(day_of(one.ended_at or clock.now()) - one.moved_in_on).days for one in began]
    for mean, lasted in zip(figures.lengths(), (over, whole), strict=True):
        if mean.overall.days is not None:
            assert mean.overall.of == len(lasted) >= LEAST
            assert mean.overall.days == pytest.approx(sum(lasted) / len(lasted))

    then, now = figures.current_pairs()
    for quarter, count in then.items():
        end = quarter.after.first
        true = sum(one.moved_in_on < end and (not one.ended_at or day_of(one.ended_at) >= end) for one in began)
        assert count == (true if true >= LEAST else Hidden.SMALL)
    true = sum(one.ended_at is None for one in began)
    assert now == (true if true >= LEAST else Hidden.SMALL)

    took = {
        "checks": [(one.waiting_since - one.sent_at).days for one in applied if one.waiting_since],
        "moving": [(one.moved_in_on - day_of(one.proposed_at)).days for one in began],
        "proposal": [],
    }
    by_id = {one.id: one for one in applied}
    for match in matches:
        took["proposal"] += [
            (match.proposed_at - by_id[side].waiting_since).days for side in (match.student_id, match.home_id)
        ]
    for stage in figures.stages():
        days = took[stage.name]
        assert stage.of == (len(days) if len(days) >= LEAST else Hidden.SMALL)
        assert stage.median == (nearest_rank(days, 5) if len(days) >= LEAST else None)
        assert stage.ninth == (nearest_rank(days, 9) if len(days) >= figures.LEAST_FOR_TAIL else None)


def test_quarters_follow_each_other():
    autumn = quarter_of(date(2026, 12, 31))

    assert autumn.name == "2026 Q4"
    assert autumn.after == Quarter(date(2027, 1, 1))
    assert autumn.before.first == date(2026, 7, 1)
    assert len(figures.last_quarters(date(2027, 3, 1))) == figures.QUARTERS


@pytest.mark.usefixtures("monday")
def test_who_moved_in_on_the_last_day_of_four_months_counts():
    for _ in range(LEAST):
        live([300, 290, 200, 300 - 122], False, 600)
        live([300, 290, 200, 300 - 123], False, 600)

    overall = figures.matched_soon().overall

    assert (overall.yes, overall.of) == (2 * LEAST, 4 * LEAST)


@pytest.mark.usefixtures("monday")
def test_a_quarter_that_would_point_at_people_is_not_shown():
    for _ in range(20):
        live([400, 390, 380, 370], False, 600)
        live([700, 690, 680, 670], False, 600)
    for _ in range(20):
        live([400], True, 600)
    for _ in range(2):
        live([700], True, 600)

    found = figures.matched_soon()
    shown = {quarter for quarter, share in found.by_quarter.items() if share.percent is not None}

    assert shown == {quarter_of(clock.today() - timedelta(days=400))}
    assert (found.overall.yes, found.overall.of) == (80, 124)


@pytest.mark.usefixtures("monday")
def test_all_figures_take_a_constant_number_of_statements(statements):
    def ask():
        with statements() as seen:
            for figure in (figures.matched_soon, figures.lasting, figures.left_unmatched, figures.lengths):
                figure()
            figures.current_pairs(), figures.stages()
        return len(seen)

    assert ask() == 6
    for _ in range(3):
        live([400, 390, 380, 370, 100], True, 600)
    assert ask() == 6
