"""Moderation in figures: right, and giving nobody away."""

import csv
import io
from datetime import date, timedelta

import pytest

from marketplace.civic.moderation import policy
from marketplace.civic.moderation.models import COMMON, Act, Answer, Reason
from marketplace.civic.moderation.queries.figures import figures, percentile
from marketplace.civic.moderation.schemas import HEAD
from marketplace.civic.moderation.service import appeals, decisions, safeguarding
from marketplace.kernel import clock, db
from marketplace.kernel.disclosure import Hidden
from tests.civic.moderation.conftest import anew, decided, report, thing, verified
from tests.conftest import MONDAY
from tests.factories import person

SPAM, WRONG = COMMON.index(Reason.SPAM), COMMON.index(Reason.WRONG)


@pytest.fixture
def march_over(board, author, moderator, second, monday):
    """A month: 20 cases of spam decided after 1 to 20 hours, six of them hidden by reports alone, ten appealed."""
    made = []
    for n in range(20):
        note = board.pin(author)
        made.append(report(note, verified() if n < 6 else person(), auto_hide=1 if n < 6 else 0).case)
    for hours, case in enumerate(made, 1):
        monday(MONDAY + timedelta(hours=hours))
        decision = decided(case, moderator, Act.HIDE)
        if hours <= 10:
            monday(clock.now() + policy.UNDO)
            decisions.settle(decision.id)
            appeals.appeal(author, anew(case), "No, it is a poem.")
            answer = Answer.OVERTURNED if hours <= 5 else Answer.UPHELD
            appeals.answer(second, anew(case), answer, "Read again.")
        else:
            decisions.settle(decision.id)
    monday(clock.at(date(2027, 4, 2), 600))


def test_a_month_is_counted_timed_and_says_how_often_decisions_were_overturned(march_over):
    [month, *earlier] = figures()

    assert month.first == date(2027, 3, 1)
    assert len(earlier) == 11
    assert (month.reports[SPAM], month.reports_total) == (Hidden.SHIELD, 20)
    assert (month.cases[SPAM], month.cases_total) == (Hidden.SHIELD, 20)
    assert month.reports[WRONG] is Hidden.SMALL
    assert month.decided == 20
    assert (month.median, month.slowest) == (10.0, 18.0)
    assert (month.auto_hidden, month.appeals, month.overturned) == (6, 10, 5)
    assert {count for row in earlier for count in (row.cases_total, row.decided)} == {Hidden.SMALL}


def test_a_decision_that_was_undone_does_not_count(board, author, moderator, monday):
    for _ in range(6):
        case = report(board.pin(author)).case
        decided(case, moderator, Act.HIDE)
        decisions.undo(moderator, case)
    monday(clock.at(date(2027, 4, 2), 600))
    assert figures()[0].decided is Hidden.SMALL


def test_the_present_month_is_not_shown_as_its_reports_come_in(board, author):
    for _ in range(9):
        report(board.pin(author))
    assert figures()[0].first == date(2027, 2, 1)
    assert figures()[0].reports_total is Hidden.SMALL


def test_concerns_for_safety_are_in_no_figure(board, author, monday):
    for _ in range(9):
        safeguarding.raise_concern(person(), thing(board.pin(author)), Reason.HARASSMENT, "")
    monday(clock.at(date(2027, 4, 2), 600))
    assert figures()[0].reports_total is Hidden.SMALL


@pytest.mark.parametrize(
    ("values", "share", "rank"), [([1, 2, 3, 4], 50, 2), (range(1, 11), 90, 9), (range(1, 12), 90, 10), ([7], 90, 7)]
)
def test_percentiles_are_by_nearest_rank(values, share, rank):
    assert percentile(list(values), share) == rank


def test_page_and_file_show_the_same(march_over, browser):
    page, file = browser.get("/moderation/figures").text, browser.get("/moderation/figures.csv")
    rows = list(csv.reader(io.StringIO(file.get_data(as_text=True).lstrip("\ufeff"))))

    assert tuple(rows[0]) == HEAD
    assert len(rows) == 13
    assert rows[1][0] == "2027-03"
    assert all(f">{cell}</" in page for cell in rows[1])
    assert "fewer than 5" in page


def test_the_page_takes_the_same_statements_however_many_cases(browser, march_over, statements):
    db.session.commit()
    with statements() as seen:
        browser.get("/moderation/figures")
    assert len(seen) == 5
