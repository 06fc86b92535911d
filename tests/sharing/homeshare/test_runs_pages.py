"""The pages about runs: for coordinators, for anyone, and for who waits."""

import json
import re
from datetime import timedelta
from random import Random

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.civic.accounts.queries import person
from marketplace.kernel import clock, db
from marketplace.sharing.homeshare.models.overrides import OverrideKind
from marketplace.sharing.homeshare.models.runs import Run, RunState
from marketplace.sharing.homeshare.service import runs
from matching.pairing.record import differences
from tests import factories


@pytest.fixture
def coordinator():
    return factories.coordinator()


@pytest.fixture
def desk(browser, coordinator):
    """A coordinator at the pages."""
    return factories.sign_in(browser, coordinator)


@pytest.fixture
def other(app):
    """Another browser."""
    return app.test_client()


def preview():
    made = runs.keep(runs.make(chance=Random(7), time_limit=5.0), db.session())
    db.session.commit()
    db.session.refresh(made)
    db.session.expunge(made)
    return made


def read(answer):
    """The words of a page."""
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", answer.text))


def test_a_preview_shows_who_would_be_proposed_and_why(desk):
    of_home = factories.home().reference
    factories.student()
    factories.student()
    run = preview()

    page = read(desk.get(f"/homeshare/staff/runs/{run.id}"))

    assert "1 of 2 students have a room by it" in page
    assert "houses more. That is proven." in page
    assert "No two would rather have each other." in page
    assert of_home in page
    assert "They are a pair" in page


def test_a_coordinator_releases_a_run_once(desk):
    factories.student()
    factories.home()
    run = preview()

    first = desk.send(f"/homeshare/staff/runs/{run.id}/release")
    assert first.status_code == 303
    assert "Pairs proposed and asked for their answers: 1." in read(desk.get(first.location))

    again = desk.send(f"/homeshare/staff/runs/{run.id}/release")
    assert again.status_code == 409
    assert "can no longer be released" in read(again)


def test_a_run_is_read_in_the_same_number_of_statements_whatever_its_size(desk, statements):
    def needed(homes):
        for _turn in range(homes):
            factories.home()
            factories.student()
        run = preview()
        desk.get(f"/homeshare/staff/runs/{run.id}")
        with statements() as asked:
            desk.get(f"/homeshare/staff/runs/{run.id}")
        return len(asked)

    assert needed(1) == needed(5)


def test_why_two_are_not_a_pair_is_said_with_what_is_missing(desk):
    of_student, of_home = factories.student(budget=230_000).reference, factories.home().reference
    run = preview()

    said = desk.send(f"/homeshare/staff/runs/{run.id}/why", student=of_student, home=of_home.lower())

    assert "No home that takes part passes every rule for this student." in read(said)


@pytest.mark.parametrize("given", [{"student": "NOBODY", "home": "NOWHERE"}, {"student": "", "home": ""}])
def test_a_reference_that_nothing_has_is_said_beside_the_field(desk, given):
    run = preview()

    said = desk.send(f"/homeshare/staff/runs/{run.id}/why", **given)

    assert said.status_code == 422
    assert "govuk-error-summary" in said.text


def test_a_decision_by_hand_is_made_agreed_to_and_taken_back(desk, other):
    student, home = factories.student(budget=240_000), factories.home()
    given = {"student": student.reference, "home": home.reference, "kind": "pin", "reason": "An aunt pays the rest."}

    desk.send("/homeshare/staff/decisions", **given)
    made = desk.get("/homeshare/staff/decisions")
    assert "Another coordinator has to agree" in read(made)
    assert "The student can pay the rent" in read(made)
    assert ">Agree<" not in made.text.replace("\n", "").replace(" ", "")

    factories.sign_in(other, factories.coordinator("Another Coordinator"))
    number = re.search(r"/decisions/(\d+)/agree", other.get("/homeshare/staff/decisions").text)
    assert number is not None
    other.send(f"/homeshare/staff/decisions/{number[1]}/agree")
    assert "waits for a second coordinator" not in read(other.get("/homeshare/staff/decisions"))
    other.send(f"/homeshare/staff/decisions/{number[1]}/end")
    assert "Nothing is decided by hand" in read(other.get("/homeshare/staff/decisions"))


def test_a_day_that_has_passed_is_refused_and_nothing_typed_is_lost(desk):
    given = {"student": "AAA", "home": "BBB", "kind": "ban", "reason": "For a while.", "until": "2020-01-01"}

    said = desk.send("/homeshare/staff/decisions", **given)

    assert said.status_code == 422
    assert "This day has passed." in read(said)
    assert "For a while." in said.text


def test_anyone_reads_released_runs_and_fetches_the_record(browser, coordinator):
    factories.student()
    factories.home()
    hidden, coordinator_id = preview(), coordinator.id
    assert browser.get(f"/homeshare/runs/{hidden.id}.json").status_code == 404
    assert hidden.commitment in browser.get("/homeshare/runs").text
    assert hidden.seed not in browser.get("/homeshare/runs").text
    runs.release(person(coordinator_id), db.session.get_one(Run, hidden.id))

    page, record = browser.get("/homeshare/runs").text, browser.get(f"/homeshare/runs/{hidden.id}.json")

    assert hidden.seed in page
    assert hidden.next_seed not in page + record.text
    assert hidden.next_commitment in page
    assert json.loads(record.text)["run"] == hidden.id
    assert differences(record.text) == []


def test_who_waits_reads_what_would_change_it_and_nobody_else_may(browser, other):
    student = factories.student(budget=230_000)
    factories.home()
    preview()
    reference, own = student.reference, db.session.get_one(Person, student.person_id)

    page = read(factories.sign_in(browser, own).get(f"/homeshare/mine/{reference}/why"))

    assert "No home passes every rule with you." in page
    assert "short by up to ₩20,000 → 1 room more" in page
    factories.sign_in(other, factories.person())
    assert other.get(f"/homeshare/mine/{reference}/why").status_code == 404


def test_who_was_in_no_run_yet_reads_when_the_next_one_is(browser):
    home = factories.home()
    reference, own = home.reference, db.session.get_one(Person, home.person_id)

    page = read(factories.sign_in(browser, own).get(f"/homeshare/mine/{reference}/why"))

    assert "The next one is tonight" in page


def test_a_preview_waits_at_the_desk_for_a_day(desk, monday):
    factories.student()
    factories.home()
    run = preview()
    assert f"/homeshare/staff/runs/{run.id}" in desk.get("/desk").text

    monday(clock.now() + timedelta(hours=25))
    assert f"/homeshare/staff/runs/{run.id}" not in desk.get("/desk").text


def test_an_old_run_says_that_it_cannot_tell_why_any_more(desk):
    of_student, of_home = factories.student().reference, factories.home().reference
    run = preview()
    db.session.execute(sa.update(Run).values(facts=sa.null()))

    said = desk.send(f"/homeshare/staff/runs/{run.id}/why", student=of_student, home=of_home)

    assert "forgotten by now" in read(said)
    assert desk.get(f"/homeshare/staff/runs/{run.id}").status_code == 200


def test_a_decision_is_shown_with_what_it_costs(desk, coordinator):
    student, home = factories.student(), factories.home()
    runs.decide(coordinator, OverrideKind.BAN, student, home, "For now.", None)
    run = preview()

    page = read(desk.get(f"/homeshare/staff/runs/{run.id}"))

    assert "Its price: people without a room 1" in page
    desk.send(f"/homeshare/staff/runs/{run.id}/drop")
    assert db.session.get_one(Run, run.id).state is RunState.DROPPED
