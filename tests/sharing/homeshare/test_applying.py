"""Applying through the pages: one question after the other, contradictions said, nothing lost."""

from dataclasses import fields
from datetime import UTC, date, datetime
from io import BytesIO

import pytest
import sqlalchemy as sa
from PIL import Image

from marketplace.civic.groups.models import Channel
from marketplace.civic.uploads.queries import of_subjects
from marketplace.kernel import cells, db, jobs
from marketplace.kernel.audit import AuditEntry
from marketplace.sharing.homeshare.models.applications import Application, ApplicationState, Closed, Side
from marketplace.sharing.homeshare.models.checks import CheckKind, holding
from marketplace.sharing.homeshare.models.locked import unlock
from marketplace.sharing.homeshare.models.programme import programme
from marketplace.sharing.homeshare.queries import applications as queries
from marketplace.sharing.homeshare.queries import checks as check_queries
from marketplace.sharing.homeshare.service import applications as service
from matching.candidates import people
from matching.candidates.people import Home, Student
from tests import factories
from tests.factories import NEAR_THE_RIVER, neighbour
from tests.sharing.homeshare.filling import answer, answer_all, read, typed


@pytest.fixture(autouse=True)
def riverside():
    return factories.district()


@pytest.fixture
def student(browser):
    person = neighbour("Minjun Lee")
    factories.sign_in(browser, person)
    return service.begin(person, Side.STUDENT)


@pytest.fixture
def host(browser):
    person = neighbour("Boksoon Han")
    factories.sign_in(browser, person)
    return service.begin(person, Side.HOST)


def page_of(browser, application, path=""):
    return browser.get(f"/homeshare/applications/{application.reference}{path}")


# --- beginning ---


def test_everyone_reads_what_home_share_is_and_on_which_terms(browser):
    text = browser.get("/homeshare").text

    assert "₩200,000 to ₩300,000 a month" in text
    assert "at most 10 hours a week" in text


def test_an_application_is_begun_once_however_often_one_presses(browser):
    factories.sign_in(browser, neighbour())

    first = browser.send("/homeshare/apply/student", _key="1")
    again = browser.send("/homeshare/apply/student", _key="2")

    assert first.status_code == again.status_code == 303
    assert first.location == again.location
    assert db.count(sa.select(Application)) == 1


# --- answering ---


@pytest.mark.parametrize("side", list(Side))
def test_a_whole_application_is_answered_checked_and_sent(browser, side):
    factories.sign_in(browser, neighbour())
    begun = browser.send(f"/homeshare/apply/{side.value}").location
    application = read(Application(reference=begun.rpartition("/")[2]))
    assert page_of(browser, application).text.count("Not started") == len(queries.sections(application)) + 1 + (
        side is Side.HOST
    )

    answer_all(browser, application)
    text = page_of(browser, application).text
    assert text.count("Not started") == (side is Side.HOST), "pictures may be left out"
    sent = browser.send(f"/homeshare/applications/{application.reference}/send")

    assert sent.status_code == 303
    assert read(application).state is ApplicationState.SENT


def test_answers_are_kept_as_rules_and_scores_read_them(browser, student):
    answer_all(browser, student)
    found = read(student)
    pack = programme().pack
    known = {one.name: found.answers[one.name] for one in fields(Student) if one.name in found.answers}
    for name in ("wanted_from", "wanted_until"):
        known[name] = date.fromisoformat(known[name])

    table = people.students([Student(id=found.id, place=(37.5, 127.0), **known)], pack)

    assert set(factories.STUDENT_ANSWERS) - {"enrolled_until"} <= set(known)
    assert table.budget[0] == 280_000
    assert (found.people, found.campus_id) == (1, found.answers["campus"])


def test_a_hosts_answers_are_kept_as_rules_and_scores_read_them(browser, host):
    answer_all(browser, host)
    found = read(host)
    known = {one.name: found.answers[one.name] for one in fields(Home) if one.name in found.answers}
    known["free_from"] = date.fromisoformat(known["free_from"])

    table = people.homes([Home(id=found.id, place=(37.5, 127.0), **known)], programme().pack)

    assert set(factories.HOST_ANSWERS) - {"deposit"} <= set(known)
    assert table.rent[0] == 250_000
    assert "deposit" not in found.answers, "there is nothing to ask"


def test_of_a_home_only_cell_and_district_are_kept_in_the_open(browser, host, riverside):
    answer(
        browser,
        host,
        "place",
        latitude=NEAR_THE_RIVER.latitude,
        longitude=NEAR_THE_RIVER.longitude,
        address="12 River Road",
    )
    found = read(host)

    assert found.cell == cells.cell_of(NEAR_THE_RIVER)
    assert found.district_id == riverside.id
    assert "River Road" not in found.address
    assert unlock(found, "address") == "12 River Road"
    assert "latitude" not in found.answers


CONTRADICTIONS = [
    (
        "dates",
        {"wanted_from": "2027-06-01", "wanted_until": "2027-05-01", "least_stay": "180"},
        "The last day is before",
    ),
    (
        "dates",
        {"wanted_from": "2027-06-01", "wanted_until": "2027-08-01", "least_stay": "180"},
        "is less than the 180 days",
    ),
    ("dates", {"wanted_from": "2026-06-01", "wanted_until": "2027-02-01", "least_stay": "180"}, "That day is over"),
    (
        "dates",
        {"wanted_from": "2027-06-01", "wanted_until": "2028-06-01", "least_stay": "180", "needed_by": "2027-05-01"},
        "You must have a room by Sat 1 May",
    ),
    ("guests", {"guests": "monthly", "least_guests": "often", "most_guests": "never"}, "The least you could live with"),
    (
        "quiet",
        {"quiet": "any_time", "least_quiet": "after_ten", "most_quiet": "after_nine"},
        "What you would like best",
    ),
    ("help", {"hours": "3"}, "Choose at least one kind of help"),
    ("help", {"hours": "0", "tasks": ["company"]}, "Enter for how many hours"),
    ("help", {"hours": "3", "tasks": ["company"], "liked_tasks": ["garden"]}, "not ticked above"),
    ("help", {"hours": "11", "tasks": ["company"]}, "from 0 to 10"),
    ("evenings", {"evenings": "8"}, "from 0 to 7"),
    ("budget", {"budget": "150000"}, "from 200000 to 300000"),
    ("people", {"people": "2"}, "Enter the name of the friend"),
    ("campus", {"campus": "999"}, "Choose one of the places of study"),
    ("languages", {}, "Choose at least one"),
    ("adult", {}, "Answer yes or no"),
]


@pytest.mark.parametrize(("page", "given", "sentence"), CONTRADICTIONS)
def test_what_contradicts_itself_is_said_and_nothing_typed_is_lost(browser, student, page, given, sentence):
    refused = answer(browser, student, page, **given)

    assert refused.status_code == 422
    assert sentence in refused.text
    assert read(student).answers == {}
    for value in given.values():
        for one in value if isinstance(value, list) else [value]:
            assert f'value="{one}"' in refused.text or f">{one}<" in refused.text or page == "campus"


def test_a_home_without_a_free_room_cannot_take_part(browser, host):
    refused = answer(browser, host, "room", rooms="0", square_metres="12", lock="yes")

    assert "A home without a free room cannot take part" in refused.text


def test_a_home_outside_the_city_is_refused(browser, host):
    assert answer(browser, host, "place", latitude=35.1, longitude=129.0, address="1 Sea Road").status_code == 422


def test_a_day_that_passes_in_a_draft_is_asked_again(browser, student, monday):
    answer_all(browser, student)
    monday(datetime(2027, 10, 1, tzinfo=UTC))
    factories.sign_in(browser, read(student).person)

    refused = browser.send(f"/homeshare/applications/{student.reference}/send")

    assert refused.status_code == 422
    assert "is less than the 180 days" in refused.text
    assert read(student).state is ApplicationState.DRAFT


# --- sending and after ---


def test_nothing_is_sent_without_two_people_one_of_them_not_family(browser, student):
    for page, given in typed(Side.STUDENT).items():
        answer(browser, student, page, **given)
    about = {"relation": "family", "email": "m@example.org", "language": "en"}
    for name in ("Mother", "Father"):
        browser.send(f"/homeshare/applications/{student.reference}/references", name=name, **about)

    refused = browser.send(f"/homeshare/applications/{student.reference}/send")

    assert "at least one of them not of your family" in refused.text
    assert read(student).state is ApplicationState.DRAFT


def test_sending_twice_is_sending_once(browser, student):
    answer_all(browser, student)

    for key in ("1", "2"):
        assert browser.send(f"/homeshare/applications/{student.reference}/send", _key=key).status_code == 303

    entries = sa.select(AuditEntry).where(AuditEntry.action == "homeshare.sent")
    assert db.count(entries) == 1


def test_a_change_of_what_was_checked_takes_the_check_back_and_says_so(browser):
    host = factories.home()
    factories.sign_in(browser, read(host).person)
    page = browser.get(f"/homeshare/applications/{host.reference}/questions/room").text
    assert "it has to be checked again: Home visit" in page

    moved = answer(browser, host, "room", rooms="2", square_metres="12", lock="yes")

    assert "has to be checked again" in browser.get(moved.location).text
    found = read(host)
    assert (found.state, found.rooms) == (ApplicationState.SENT, 2)
    assert not holding(check_queries.checks_of(found), CheckKind.VISIT)


def test_the_same_answer_again_takes_nothing_back(browser):
    student = factories.student()
    factories.sign_in(browser, read(student).person)

    answer(browser, student, "campus", campus=str(student.campus_id))

    assert read(student).state is ApplicationState.OPEN


def test_another_friend_is_checked_anew(browser):
    student = factories.student(people=2)
    by = read(student).person
    factories.sign_in(browser, by)
    answer(browser, student, "people", people="2", friend="Jisoo Park")

    found = read(student)
    assert unlock(found, "friend") == "Jisoo Park"
    assert "Jisoo" not in found.friend
    assert found.state is ApplicationState.SENT, "nobody knows this friend yet"
    assert not [one for one in check_queries.checks_of(found) if one.of_second and one.withdrawn_at is None]


def test_pausing_keeps_the_place_in_line(browser, monday):
    student = factories.student()
    since = student.waiting_since
    factories.sign_in(browser, read(student).person)
    browser.send(f"/homeshare/applications/{student.reference}/pause")
    assert read(student).state is ApplicationState.PAUSED
    monday(datetime(2027, 3, 3, tzinfo=UTC))

    browser.send(f"/homeshare/applications/{student.reference}/resume")

    assert read(student).state is ApplicationState.OPEN
    assert read(student).waiting_since == since


def test_whoever_is_matched_cannot_end_it_here(browser):
    student, home = factories.student(), factories.home()
    factories.match(student, home)
    factories.sign_in(browser, read(student).person)

    refused = browser.send(f"/homeshare/applications/{student.reference}/close", because="changed_mind")

    assert refused.status_code == 409
    assert read(student).state is ApplicationState.OPEN


def test_what_a_match_stands_on_is_not_changed_under_it(browser):
    student, home = factories.student(), factories.home(rooms=2)
    factories.match(student, home)
    factories.sign_in(browser, read(student).person)
    refused = answer(browser, student, "people", people="2", friend="Jisoo Park")
    assert refused.status_code == 409
    assert "this cannot be changed now" in refused.text
    assert (read(student).people, read(student).friend) == (1, "")

    factories.sign_in(browser, read(home).person)
    room = {"square_metres": "12", "lock": "yes"}
    assert answer(browser, home, "room", rooms="1", **room).status_code == 303, "one is enough for who is promised it"
    full = factories.home(rooms=2)
    factories.match(factories.student(people=2), full)
    factories.sign_in(browser, read(full).person)
    assert answer(browser, full, "room", rooms="1", **room).status_code == 409
    assert read(full).rooms == 2


def test_an_application_ends_with_a_reason_and_another_may_begin(browser, student):
    browser.send(f"/homeshare/applications/{student.reference}/close", because="changed_mind")
    ended = read(student)
    assert (ended.state, ended.closed_because) == (ApplicationState.CLOSED, Closed.CHANGED_MIND)

    assert service.begin(ended.person, Side.STUDENT).id != ended.id


def test_nobody_decides_not_to_admit_themselves(browser, student):
    refused = browser.send(f"/homeshare/applications/{student.reference}/close", because="not_admitted")

    assert refused.status_code == 403
    assert read(student).state is ApplicationState.DRAFT


def test_nobody_else_sees_an_application(browser, student):
    factories.sign_in(browser, neighbour("Somebody Else"))

    assert page_of(browser, student).status_code == 404
    assert answer(browser, student, "adult", adult="yes").status_code == 404


# --- by staff ---


def seen(browser, path):
    with browser.get(path) as answered:
        return answered.status_code


def test_a_coordinator_enters_an_application_for_who_calls(browser):
    cora = factories.coordinator()
    factories.sign_in(browser, cora)
    who = {"side": "host", "channel": "phone", "name": "Boksoon Han", "phone": "02-123-4567", "language": "ko"}

    begun = browser.send("/homeshare/staff/new", **who)
    host = read(Application(reference=begun.location.rpartition("/")[2]))
    for page, given in typed(Side.HOST).items():
        assert answer(browser, host, page, **given).status_code == 303

    assert (host.entered_by_id, host.channel, host.person.name) == (cora.id, Channel.PHONE, "Boksoon Han")
    read_by = sa.select(AuditEntry.actor_id).where(AuditEntry.action == "homeshare.case.looked")
    assert set(db.session.scalars(read_by)) == {cora.id}


def test_pictures_are_seen_by_who_may_see_the_application(browser, host):
    sent = BytesIO()
    Image.new("L", (60, 40)).save(sent, "PNG")
    sent.seek(0)
    path = f"/homeshare/applications/{host.reference}/pictures"
    assert browser.send(path, pictures=(sent, "room.png")).status_code == 303
    jobs.run_pending()
    kept = of_subjects([f"homeshare:{host.id}"])[f"homeshare:{host.id}"]
    shown = f"/uploads/{kept[0].key}/small"
    assert seen(browser, shown) == 200

    factories.sign_in(browser, neighbour("Somebody Else"))
    assert seen(browser, shown) == 404
    factories.sign_in(browser, factories.coordinator())
    assert seen(browser, shown) == 200
