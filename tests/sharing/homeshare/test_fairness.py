"""Whether all are treated alike, and where rooms lack: what is shown, to whom, and of how few it is not."""

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.kernel import db
from marketplace.kernel.disclosure import Hidden
from marketplace.kernel.geo import Point
from marketplace.sharing.homeshare.models.applications import Application, Side
from marketplace.sharing.homeshare.models.audits import AuditFacts, Income
from marketplace.sharing.homeshare.models.matches import MatchState
from marketplace.sharing.homeshare.queries import fairness, supply
from marketplace.sharing.homeshare.service import audits
from tests import factories

CARD = {"student": {"band": 2}, "host": {"band": 1}}


def students(count, campus, *, matched=0, income=None):
    """Students of whom so many live with someone."""
    made = [factories.student(at=campus) for _ in range(count)]
    for number, one in enumerate(made):
        if number < matched:
            factories.match(one, factories.home(), state=MatchState.LIVING, card=CARD)
        if income:
            audits.say(db.session.get_one(Person, one.person_id), one, income=income)
    return made


def by_income(panel):
    return next(one for one in panel if one.side is Side.STUDENT and str(one.fact) == "Income")


@pytest.mark.usefixtures("monday")
def test_a_group_that_is_matched_less_often_alarms_and_a_small_one_is_not_shown(statements):
    campus = factories.campus()
    students(20, campus, matched=18, income=Income.HIGH)
    students(20, campus, matched=4, income=Income.LOW)
    students(17, campus)
    students(3, campus, income=Income.MIDDLE)
    db.session.expire_all()

    with statements() as seen:
        panel = fairness.panel()

    few = len(seen)
    low, middle, high = (
        next(group for group in by_income(panel).groups if str(group.name) == str(income.words))
        for income in (Income.LOW, Income.MIDDLE, Income.HIGH)
    )
    assert by_income(panel).alarms
    assert isinstance(middle.of, Hidden)
    assert (middle.matched, middle.ratio) == (None, None)
    assert [(group.matched, group.of) for group in (low, high)] == [(4, 20), (18, 20)]
    assert low.ratio.ratio == pytest.approx(4 / 18)
    assert high.ratio is None
    hosts_and_students = panel[0].groups
    assert [group.band for group in hosts_and_students] == [1.0, 2.0]

    students(2, campus, income=Income.LOW)
    with statements() as seen:
        fairness.panel()
    assert len(seen) == few


@pytest.mark.usefixtures("monday")
def test_what_someone_said_is_theirs_alone_and_can_be_taken_back(browser):
    one = factories.student()
    path = f"/homeshare/audit/{one.reference}"
    factories.sign_in(browser, db.session.get_one(Person, one.person_id))
    assert browser.send(path, income="low", step_free="true").status_code == 303
    assert 'value="low" checked' in browser.get(path).text
    facts = db.session.scalars(sa.select(AuditFacts)).one()
    assert (facts.income, facts.step_free, facts.age) == (Income.LOW, True, None)

    assert browser.send(path, **dict.fromkeys(("income", "age", "from_abroad", "step_free"), "")).status_code == 303
    assert db.session.scalar(sa.select(sa.func.count()).select_from(AuditFacts)) == 0
    factories.sign_in(browser, factories.coordinator())
    assert browser.get(path).status_code == 404


@pytest.mark.usefixtures("monday")
def test_facts_go_with_whoever_said_them():
    one = students(1, factories.campus(), income=Income.LOW)[0]

    audits.erase(db.session.get_one(Person, one.person_id))

    assert db.session.scalar(sa.select(sa.func.count()).select_from(AuditFacts)) == 0
    assert db.session.get(Application, one.id) is not None


@pytest.mark.usefixtures("monday")
def test_the_panel_is_for_coordinators_with_a_file(browser):
    students(10, factories.campus(), matched=6, income=Income.LOW)
    factories.sign_in(browser, factories.neighbour())
    assert browser.get("/homeshare/staff/fairness").status_code == 404

    factories.sign_in(browser, factories.coordinator())
    assert "Ratio to the best-off group" in browser.get("/homeshare/staff/fairness").text
    assert "student,Income,Less than half of the median income,10,6,60.0" in browser.get(
        "/homeshare/staff/fairness.csv"
    ).get_data(as_text=True)


@pytest.mark.usefixtures("monday")
def test_rooms_near_a_campus_are_counted_in_fives_and_few_students_hidden(browser):
    near, far = factories.campus(), factories.campus("Far campus", point=Point(36.0, 129.0))
    students(7, near)
    students(2, far)
    for _ in range(7):
        factories.home(near=Point(near.latitude, near.longitude))

    found = {one.campus.id: one for one in supply.by_campus()}

    assert (found[near.id].rooms, found[far.id].rooms) == (5, Hidden.SMALL)
    assert isinstance(found[far.id].waiting, Hidden)
    page = browser.get("/homeshare/figures")
    assert page.status_code == 200
    assert "Where rooms lack" in page.text
    assert browser.get("/homeshare/figures.csv").status_code == 200
    assert near.name in browser.get("/homeshare/supply.csv").get_data(as_text=True)
    assert len(browser.get("/homeshare/supply.geojson").get_json(force=True)["features"]) == 2
