"""Checks, who speaks for someone, appointments, and who takes part because all of it holds."""

import re
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from marketplace.civic.notifications.models import Notice
from marketplace.kernel import clock, db, hooks
from marketplace.kernel.audit import AuditEntry
from marketplace.kernel.errors import Forbidden
from marketplace.sharing.homeshare import errors
from marketplace.sharing.homeshare.models.applications import ApplicationState
from marketplace.sharing.homeshare.models.appointments import ONE_AT_A_TIME, Appointment, AppointmentKind
from marketplace.sharing.homeshare.models.checks import Check, CheckKind, Finding, good_until, needed
from marketplace.sharing.homeshare.models.locked import unlock
from marketplace.sharing.homeshare.models.references import Reference
from marketplace.sharing.homeshare.queries import applications as queries
from marketplace.sharing.homeshare.queries import checks as check_queries
from marketplace.sharing.homeshare.queries import references as reference_queries
from marketplace.sharing.homeshare.queries.appointments import get_appointment
from marketplace.sharing.homeshare.service import applications as applying
from marketplace.sharing.homeshare.service import appointments, checks, forgetting, references
from tests import factories
from tests.factories import march
from tests.sharing.homeshare.filling import name_two, read

TODAY = date(2027, 3, 1)
NOON: dict[str, Any] = {"starts_at": march(10, 12, 13).starts_at, "ends_at": march(10, 12, 13).ends_at}


@pytest.fixture
def cora():
    return factories.coordinator()


def told(person_id):
    """What someone was told, oldest first."""
    return list(db.session.scalars(sa.select(Notice.title).where(Notice.person_id == person_id).order_by(Notice.id)))


def pass_all(cora, application, *, but=()):
    """Everything is made sure of, but for some."""
    for kind in needed(application.side):
        if kind in but:
            continue
        if kind is CheckKind.REFERENCE:
            for one in queries.references_of(application):
                spoken = reference_queries.get_reference(one.id)
                checks.hear(cora, spoken, passed=True, method="phone", checked_on=TODAY)
        elif kind is CheckKind.VISIT:
            checks.visit(cora, read(application), dict.fromkeys(Finding, True), 12, checked_on=TODAY)
        else:
            checks.record(cora, read(application), kind, passed=True, checked_on=TODAY, method="seen")


# --- taking part ---


@pytest.mark.parametrize("make", [factories.student, factories.home])
def test_once_all_checks_hold_someone_takes_part_and_is_told(cora, make):
    application = make(checked=False)
    name_two(application)

    pass_all(cora, application, but=[CheckKind.INTERVIEW])
    assert read(application).state is ApplicationState.SENT
    checks.record(cora, read(application), CheckKind.INTERVIEW, passed=True, checked_on=TODAY, method="talked")

    found = read(application)
    assert (found.state, found.waiting_since) == (ApplicationState.OPEN, clock.now())
    assert told(found.person_id)[-1] == "You take part in home share"


def test_two_of_the_family_are_not_enough():
    student = factories.student()
    for one in check_queries.checks_of(student):
        if one.kind is CheckKind.REFERENCE:
            one.facts = {"family": True}

    assert good_until(student, check_queries.checks_of(student)) is None


@pytest.mark.parametrize("lacking", [Finding.LOCK, Finding.SMOKE_ALARM, Finding.EGRESS])
def test_a_home_without_lock_alarm_or_way_out_is_not_passed(cora, lacking):
    home = factories.home(checked=False)

    made = checks.visit(cora, home, {one: one is not lacking for one in Finding}, 12, checked_on=TODAY)

    assert not made.passed
    assert made.facts[lacking.value] is False


def test_heating_and_insurance_are_noted_and_bar_nobody(cora):
    found = {one: one not in (Finding.HEATING, Finding.INSURANCE) for one in Finding}

    assert checks.visit(cora, factories.home(checked=False), found, 12, checked_on=TODAY).passed


def test_a_check_taken_back_takes_someone_out_who_keeps_the_place_in_line(cora):
    student = factories.student()
    since = student.waiting_since
    identity = next(one for one in check_queries.checks_of(student) if one.kind is CheckKind.IDENTITY)

    checks.take_back(cora, check_queries.get_check(identity.id))

    found = read(student)
    assert (found.state, found.waiting_since) == (ApplicationState.SENT, since)
    checks.record(cora, found, CheckKind.IDENTITY, passed=True, checked_on=TODAY, method="seen")
    assert read(student).waiting_since == since


def test_nobody_checks_themselves_and_nobody_else_checks(cora):
    own = factories.student(by=cora, checked=False)
    check = partial(checks.record, kind=CheckKind.IDENTITY, passed=True, checked_on=TODAY, method="seen")

    with pytest.raises(errors.OwnCase):
        check(cora, read(own))
    with pytest.raises(Forbidden):
        check(factories.neighbour(), read(own))


def test_a_check_needs_a_day_that_was_and_an_end_that_is_to_come(cora):
    student = factories.student(checked=False)
    check = partial(checks.record, cora, student, CheckKind.IDENTITY, passed=True, method="seen")

    with pytest.raises(errors.NotYetChecked):
        check(checked_on=TODAY + timedelta(days=1))
    with pytest.raises(errors.TooLateToHold):
        check(checked_on=TODAY - timedelta(days=9), until=TODAY - timedelta(days=1))
    with pytest.raises(errors.NotNeeded):
        checks.record(cora, student, CheckKind.VISIT, passed=True, checked_on=TODAY)


def test_a_note_is_locked_and_reading_it_is_on_record(browser, cora):
    student = factories.student(checked=False)
    made = checks.record(
        cora, student, CheckKind.INTERVIEW, passed=True, checked_on=TODAY, method="talked", note="Sings at night."
    )
    assert "Sings" not in made.note
    factories.sign_in(browser, cora)
    assert "Sings" not in browser.get(f"/homeshare/staff/applications/{student.reference}").text

    assert "Sings at night." in browser.get(f"/homeshare/staff/applications/{student.reference}/notes").text

    entries = sa.select(AuditEntry.action).where(AuditEntry.subject == f"person:{student.person_id}")
    assert set(db.session.scalars(entries)) >= {"homeshare.notes.looked", "homeshare.case.looked"}


# --- by night ---


def test_what_runs_out_is_told_thirty_and_seven_days_before_and_once_each(monday):
    student = factories.student()
    record = next(one for one in check_queries.checks_of(student) if one.kind is CheckKind.RECORD)
    record.good_until = TODAY + timedelta(days=40)
    counted = []
    for day in range(45):
        monday(datetime(2027, 3, 1, 1, tzinfo=UTC) + timedelta(days=day))
        checks.run_out()
        db.session.commit()
        counted.append((day, read(student).state, len(told(student.person_id))))

    changes = [counted[n][::2] for n in range(1, 45) if counted[n][2] != counted[n - 1][2]]
    assert changes == [(10, 1), (33, 2), (41, 3)]
    assert next(day for day, state, _n in counted if state is ApplicationState.SENT) == 41, "the day after the last"
    assert told(student.person_id)[-1] == "Home share: something has to be checked again"


def test_whoever_has_a_newer_check_is_neither_told_nor_taken_out(monday, cora):
    student = factories.student()
    enrolment = next(one for one in check_queries.checks_of(student) if one.kind is CheckKind.ENROLMENT)
    enrolment.good_until = TODAY + timedelta(days=3)
    checks.record(cora, student, CheckKind.ENROLMENT, passed=True, checked_on=TODAY, method="seen")
    monday(datetime(2027, 3, 6, tzinfo=UTC))

    checks.run_out()

    assert read(student).state is ApplicationState.OPEN
    assert told(student.person_id) == []


# --- who speaks for them ---


def test_someone_named_gets_a_letter_whose_link_is_answered_once(browser, cora, letters):
    student = factories.student(checked=False)
    name_two(student)
    first = queries.references_of(student)[0]
    references.ask(cora, reference_queries.get_reference(first.id))
    letter = letters()[-1]
    link = re.findall(r"/homeshare/references/[\w-]+", letter.replace("=\n", ""))[0]
    said = {"recommends": "yes", "words": "She is kind, and quiet at night."}

    assert "A word about Minjun Lee" in browser.get(link).text
    assert browser.send(link, **said, _key="1").status_code == 303
    assert browser.send(link, **said, _key="2").status_code == 409
    assert browser.get(link).status_code == 409

    heard = reference_queries.get_reference(first.id)
    assert heard.recommends
    assert "kind" not in heard.words
    assert unlock(heard, "words") == said["words"]


@pytest.mark.parametrize("link", ["1-nonsense", "0-", "x", "99999999999-1"])
def test_a_link_that_no_letter_held_opens_nothing(browser, link):
    assert browser.get(f"/homeshare/references/{link}").status_code == 409


def test_the_applicant_does_not_read_what_was_said(browser, cora):
    student = factories.student(checked=False)
    name_two(student)
    one = queries.references_of(student)[0]
    references.answer(reference_queries.link_of(one), recommends=False, words="Never again, I am afraid.")
    factories.sign_in(browser, read(student).person)

    for path in ("", "/references", "/send"):
        assert "Never again" not in browser.get(f"/homeshare/applications/{student.reference}{path}").text
    assert browser.get(f"/homeshare/staff/references/{one.id}").status_code == 404
    factories.sign_in(browser, cora)
    assert "Never again" in browser.get(f"/homeshare/staff/references/{one.id}").text


def test_what_somebody_said_counts_once(cora):
    student = factories.student(checked=False)
    name_two(student)
    one = reference_queries.get_reference(queries.references_of(student)[0].id)
    checks.hear(cora, one, passed=True, method="phone", checked_on=TODAY)

    with pytest.raises(errors.ReferenceAnswered):
        checks.hear(cora, one, passed=True, method="phone", checked_on=TODAY)
    with pytest.raises(errors.ReferenceAnswered):
        references.remove(read(student).person, one)


# --- appointments ---


def test_an_appointment_is_told_and_stands_in_both_calendars(app, cora):
    student = factories.student(checked=False)

    made = appointments.make(cora, student, AppointmentKind.INTERVIEW, **NOON, place="City Hall, room 3")

    assert told(student.person_id)[-1].startswith("Home share: Interview, Wed 10 March")
    db.session.commit()
    for person in (read(student).person, cora):
        with app.test_request_context():
            entries = [one for answer in hooks.calendar_entries.ask(person) for one in answer]
        assert [(one.place, one.interval) for one in entries] == [("City Hall, room 3", made.interval)]


def test_a_coordinator_is_in_one_place_at_a_time(cora):
    first, second = factories.student(checked=False), factories.student(checked=False)
    made = appointments.make(cora, first, AppointmentKind.INTERVIEW, **NOON)
    other = factories.coordinator("Dana Coordinator")
    appointments.make(other, second, AppointmentKind.INTERVIEW, **NOON)

    with pytest.raises(errors.BusyThen):
        appointments.make(
            cora, second, AppointmentKind.VISIT, NOON["starts_at"] + timedelta(minutes=30), march(10, 14, 15).ends_at
        )
    after = march(10, 13, 14)
    appointments.make(cora, second, AppointmentKind.VISIT, after.starts_at, after.ends_at)
    appointments.cancel(cora, get_appointment(made.id))
    again = appointments.make(cora, first, AppointmentKind.INTERVIEW, **NOON)

    back = sa.update(Appointment).where(Appointment.id == made.id).values(cancelled_at=None)
    with pytest.raises(sa.exc.IntegrityError, match=ONE_AT_A_TIME), db.session.begin_nested():
        db.session.execute(back)
    assert again.id != made.id


# --- forgetting ---


def test_what_nobody_touched_ends_after_eleven_months_and_is_forgotten_after_twelve(monday):
    quiet, matched = factories.student(), factories.student()
    factories.match(matched, factories.home())
    name_two(quiet)
    monday(datetime(2027, 3, 1, tzinfo=UTC) + timedelta(days=336))
    forgetting.thin()
    assert read(quiet).state is ApplicationState.CLOSED
    assert read(matched).state is ApplicationState.OPEN, "somebody is proposed to them"
    monday(datetime(2027, 3, 1, tzinfo=UTC) + timedelta(days=366))

    forgetting.thin()

    gone = sa.select(Reference.id).where(Reference.application_id == quiet.id)
    assert db.session.scalar(gone) is None
    assert quiet.id not in queries.by_ids([quiet.id])
    assert matched.id in queries.by_ids([matched.id])


def test_of_whoever_leaves_only_that_there_was_a_match_stays():
    alone, matched = factories.student(), factories.student()
    factories.match(matched, factories.home())
    people = [read(one).person for one in (alone, matched)]

    for person in people:
        forgetting.erase(person)

    left = queries.by_ids([alone.id, matched.id])
    assert set(left) == {matched.id}
    assert (left[matched.id].answers, left[matched.id].state) == ({}, ApplicationState.CLOSED)
    assert db.count(sa.select(Check).where(Check.application_id.in_([alone.id, matched.id]))) == 0


# --- the desk ---


def grow(number):
    """So many cases of everything."""
    for _turn in range(number):
        cora = factories.coordinator()
        waits, sent = factories.student(), factories.home(checked=False)
        applying.take_over(cora, waits)
        name_two(sent)
        said = queries.references_of(sent)[0]
        references.answer(reference_queries.link_of(said), recommends=True, words="A good neighbour for years.")
        appointments.make(cora, sent, AppointmentKind.VISIT, **NOON)
        check_queries.checks_of(waits)[0].good_until = TODAY + timedelta(days=5)


def test_the_desk_shows_how_it_stands_in_a_constant_number_of_statements(browser, cora, statements):
    factories.sign_in(browser, cora)
    grow(1)
    browser.get("/homeshare/staff")
    with statements() as few:
        text = browser.get("/homeshare/staff").text
    grow(4)
    db.session.commit()
    with statements() as many:
        more = browser.get("/homeshare/staff").text

    assert len(few) == len(many)
    for said in ("being checked", "Minjun Lee", "Boksoon Han", "Home visit", "Cora Coordinator", "holds until"):
        assert said in text
    assert more.count("Home visit: Boksoon Han") == 5


def test_what_was_sent_waits_at_the_desk_of_coordinators_alone(app, cora):
    home = factories.home(checked=False)

    with app.test_request_context():
        queues = {who: hooks.waits_at_desk.ask(who) for who in (cora, factories.neighbour())}

    ours = [[one for one in found if str(one.title) == "Home share: to check"] for found in queues.values()]
    assert [one.count for one in ours[0]] == [1]
    assert ours[0][0].waiting[0].href.endswith(home.reference)
    assert ours[1] == []


def test_whoever_takes_over_a_case_is_named_to_the_applicant(browser, cora):
    student = factories.student(checked=False)
    factories.sign_in(browser, cora)
    browser.send(f"/homeshare/staff/applications/{student.reference}/take")
    factories.sign_in(browser, read(student).person)

    assert "Your coordinator is Cora Coordinator." in browser.get(f"/homeshare/applications/{student.reference}").text


# --- the pages of coordinators ---


def test_a_case_is_seen_through_on_the_pages(browser, cora):
    home = factories.home(checked=False)
    name_two(home)
    factories.sign_in(browser, cora)
    base, passed = f"/homeshare/staff/applications/{home.reference}", {"passed": "yes", "checked_on": "2027-03-01"}
    browser.send(f"{base}/take")
    for kind in ("identity", "record", "interview"):
        assert browser.send(f"{base}/checks/{kind}", **passed, method="Seen at the desk").status_code == 303
    for one in queries.references_of(home):
        assert browser.send(f"/homeshare/staff/references/{one.id}", **passed, way="phone").status_code == 303
    found = {"found": [one.value for one in Finding], "square_metres": "12", "checked_on": "2027-03-01"}

    assert browser.send(f"{base}/checks/visit", **found).status_code == 303

    assert read(home).state is ApplicationState.OPEN
    assert browser.get(f"{base}/checks/reference").status_code == 404
