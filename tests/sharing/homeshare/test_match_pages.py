"""The pages of a match, as its two sides and coordinators read them."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.queries import person
from marketplace.kernel import clock, db
from marketplace.sharing.homeshare.models.checkins import Matter
from marketplace.sharing.homeshare.models.locked import lock
from marketplace.sharing.homeshare.models.matches import Match, MatchState, NoReason
from marketplace.sharing.homeshare.queries import matches as queries
from marketplace.sharing.homeshare.service import meetings
from tests import factories
from tests.sharing.homeshare.living import agreeing, meeting, on_trial, proposed

DAY = timedelta(days=1)


@pytest.fixture
def at(browser):
    """Read a page as someone."""

    def read(person, path):
        factories.sign_in(browser, person)
        return browser.get(path).text

    return read


def page_of(two, rest=""):
    return f"/homeshare/matches/{two.match.reference}{rest}"


def tended(two, rest=""):
    return f"/homeshare/staff/matches/{two.match.reference}{rest}"


def test_each_side_reads_its_own_score_and_nothing_that_names_the_other(at, monday):
    two = proposed(about="I like cooking.")
    lock(two.home, "address", "7 Riverside Road")
    lock(two.home, "phone", "010-1234-5678")
    db.session.commit()

    student = at(two.student.person, page_of(two))
    host = at(two.home.person, page_of(two))

    for secret in ("Boksoon", "7 Riverside Road", "010-1234", two.home.person.email):
        assert secret not in student
    assert "Minjun" not in host
    assert "731" in student
    assert "612" not in student
    assert "612" in host
    assert "731" not in host
    assert "I like cooking." in host
    assert "₩280,000" not in host


def test_names_after_two_yeses_and_the_address_once_it_is_confirmed(at, monday):
    two = meeting()
    lock(two.home, "address", "7 Riverside Road")
    db.session.commit()
    assert "Boksoon" in at(two.student.person, page_of(two))
    assert "7 Riverside Road" not in at(two.student.person, page_of(two))

    meetings.arrange(two.coordinator, two.match, clock.now() + DAY, "7 Riverside Road", at_home=True)
    db.session.commit()
    assert "7 Riverside Road" in at(two.student.person, page_of(two))


def test_a_no_by_the_form(browser, monday):
    two = proposed()
    db.session.commit()
    factories.sign_in(browser, two.student.person)

    assert browser.send(page_of(two, "/answer"), said="no").status_code == 422
    answered = browser.send(page_of(two, "/answer"), said="no", reason="too_far", words="Two buses.")

    assert answered.status_code == 303
    assert (two.match.state, two.match.student_reason) == (MatchState.DECLINED, NoReason.TOO_FAR)
    factories.sign_in(browser, two.home.person)
    theirs = browser.get(page_of(two)).text
    assert "It did not come about" in theirs
    assert "too long" not in theirs.split("Why you were proposed")[0]
    factories.sign_in(browser, two.coordinator)
    assert "Two buses." in browser.get(tended(two)).text


def test_the_agreement_is_read_signed_and_printed(browser, monday):
    two = agreeing(monday)
    db.session.commit()
    digest = queries.get_agreement(two.match).digest
    factories.sign_in(browser, two.student.person)
    assert "no employment" in browser.get(page_of(two, "/agreement")).text
    assert browser.send(page_of(two, "/agreement"), digest=digest).status_code == 422
    assert browser.send(page_of(two, "/agreement"), digest="0" * 64, agreed="true").status_code == 409
    assert browser.send(page_of(two, "/agreement"), digest=digest, agreed="true").status_code == 303

    printed = browser.get(page_of(two, "/agreement.pdf"))
    assert printed.data.startswith(b"%PDF")
    assert printed.headers["Content-Type"] == "application/pdf"


def test_a_coordinator_settles_the_terms(browser, monday):
    two = agreeing(monday)
    db.session.commit()
    factories.sign_in(browser, two.coordinator)
    terms = queries.get_agreement(two.match).terms
    typed = terms | {"rent": "220,000", "smoking": "no", "others": "The balcony door stays closed."}

    assert browser.get(tended(two, "/agreement")).status_code == 200
    assert browser.send(tended(two, "/agreement"), **typed | {"hours": 40}).status_code == 422
    assert browser.send(tended(two, "/agreement"), **typed).status_code == 303

    made = queries.get_agreement(two.match)
    assert (made.terms["rent"], made.terms["others"]) == (220_000, "The balcony door stays closed.")
    assert any("220,000" in line for line in made.text["ko"])


def test_how_it_goes_is_read_by_coordinators_and_not_by_the_other_side(browser, monday):
    two = on_trial(monday)
    db.session.commit()
    monday(clock.now() + 3 * DAY)
    factories.sign_in(browser, two.home.person)
    assert "Answer four short questions" in browser.get(page_of(two)).text
    said = {"going": "bad", "hours_kept": "no", "safe": "yes", "talk": "yes", "words": "It is loud."}
    assert browser.send(page_of(two, "/check-in"), going="bad").status_code == 422
    assert browser.send(page_of(two, "/check-in"), **said).status_code == 303

    factories.sign_in(browser, two.student.person)
    assert "It is loud." not in browser.get(page_of(two)).text
    factories.sign_in(browser, two.coordinator)
    assert "It is loud." in browser.get(tended(two)).text
    assert "A check-in gives cause for worry" in browser.get("/homeshare/staff/matches").text
    matter = db.session.scalars(sa.select(Matter)).one()
    settled = {"outcome": "called", "note": "Called both.", "reply": "We meet on Friday."}
    assert browser.send(tended(two, f"/matters/{matter.id}"), **settled).status_code == 303
    factories.sign_in(browser, two.home.person)
    read = browser.get(page_of(two)).text
    assert "We meet on Friday." in read
    assert "Called both." not in read


def test_the_board_takes_as_many_statements_for_many_as_for_one(browser, monday, statements):
    coordinator = proposed().coordinator
    db.session.commit()
    factories.sign_in(browser, coordinator)

    def counted():
        with statements() as seen:
            browser.get("/homeshare/staff/matches")
        return len(seen)

    counted()
    first = counted()
    for _turn in range(3):
        proposed()
    db.session.commit()
    counted()  # puts on record of whom else the coordinator read
    assert counted() <= first
    assert db.count(sa.select(Match.id)) == 4


def test_who_reads_is_on_record(browser, monday):
    two = proposed()
    db.session.commit()
    factories.sign_in(browser, two.coordinator)
    browser.get(tended(two))
    factories.sign_in(browser, two.student.person)

    assert "Your match of home share" in browser.get("/account/looked").text


def test_an_application_leads_to_the_match_that_goes_on(browser):
    home = factories.home()
    match = factories.match(factories.student(), home)
    applied, reference = home.reference, match.reference
    factories.sign_in(browser, person(home.person_id))

    assert f'href="/homeshare/matches/{reference}"' in browser.get(f"/homeshare/applications/{applied}").text
