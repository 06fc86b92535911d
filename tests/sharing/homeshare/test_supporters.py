"""Who stands by an applicant: both agree, either ends it, and they see how it stands and nothing more."""

import re

import pytest
import sqlalchemy as sa

from marketplace.kernel import db
from marketplace.sharing.homeshare import errors
from marketplace.sharing.homeshare.models.supporters import Supporter
from marketplace.sharing.homeshare.queries import supporters as queries
from marketplace.sharing.homeshare.service import supporters
from tests import factories
from tests.factories import neighbour
from tests.sharing.homeshare.filling import read


@pytest.fixture
def home():
    return factories.home(checked=False)


def invited(home, email="daughter@example.org"):
    return supporters.invite(read(home).person, read(home), email)


def test_a_daughter_is_invited_by_letter_agrees_and_sees_how_it_stands(browser, home, letters):
    factories.sign_in(browser, read(home).person)
    path = f"/homeshare/applications/{home.reference}/supporters"
    assert "Tick that you agree" in browser.send(path, email="daughter@example.org").text
    assert browser.send(path, email="daughter@example.org", agreed="true").status_code == 303
    link = re.findall(r"/homeshare/support/[\w-]+", letters()[-1].replace("=\n", ""))[0]
    daughter = neighbour("Yuna Han")
    factories.sign_in(browser, daughter)
    assert "Stand by Boksoon Han?" in browser.get(link).text

    answered = browser.send(link, answer="accept")

    text = browser.get(answered.location).text
    assert "A coordinator makes sure of what is listed below" in text
    assert browser.get(f"/homeshare/applications/{home.reference}").status_code == 404, "no answers"
    assert browser.get(f"/homeshare/staff/applications/{home.reference}/notes").status_code == 404
    assert browser.get(link).status_code == 409, "a link is good once"


def test_nobody_sees_anything_before_they_agreed_or_after_it_ended(browser, home):
    one, daughter = invited(home), neighbour("Yuna Han")
    factories.sign_in(browser, daughter)
    assert browser.get(f"/homeshare/supporting/{one.id}").status_code == 404
    supporters.accept(daughter, queries.link_of(one))
    assert browser.get(f"/homeshare/supporting/{one.id}").status_code == 200

    supporters.end(read(home).person, queries.get_supporter(one.id))

    assert browser.get(f"/homeshare/supporting/{one.id}").status_code == 404


def test_whoever_stands_by_someone_may_stop(browser, home):
    one, daughter = invited(home), neighbour("Yuna Han")
    supporters.accept(daughter, queries.link_of(one))
    factories.sign_in(browser, neighbour("Somebody Else"))
    assert browser.send(f"/homeshare/supporters/{one.id}/end").status_code == 404
    factories.sign_in(browser, daughter)

    assert browser.send(f"/homeshare/supporters/{one.id}/end").status_code == 303

    assert queries.supported_by(daughter.id) == []


def test_at_most_three_and_nobody_twice_and_not_oneself(home):
    with pytest.raises(errors.SupportsThemselves):
        invited(home, read(home).person.email)
    for name in "abca":
        invited(home, f"{name}@example.org")
    assert db.count(sa.select(Supporter).where(Supporter.ended_at.is_(None))) == 3

    with pytest.raises(errors.ManySupporters):
        invited(home, "d@example.org")


def test_refusing_uses_the_link_up(browser, home):
    one = invited(home)
    link = queries.link_of(one)
    factories.sign_in(browser, neighbour("Yuna Han"))

    browser.send(f"/homeshare/support/{link}", answer="refuse")

    with pytest.raises(errors.LinkOver):
        queries.by_link(link)
