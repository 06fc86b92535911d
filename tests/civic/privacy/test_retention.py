"""What is over ends by itself, and the page on privacy says when."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts import service as accounts
from marketplace.civic.accounts.models import ApiToken, Role
from marketplace.kernel import clock, db, jobs, retention, words
from marketplace.kernel.occupancy import Occupancy
from marketplace.sharing.spaces.models import Booking, Closure
from marketplace.sharing.spaces.service import forgetting
from marketplace.sharing.spaces.service import rooms as running
from tests import factories
from tests.conftest import MONDAY
from tests.factories import march

YEAR = timedelta(days=366)


def test_a_booking_loses_its_words_after_a_year_and_goes_after_five(monday):
    library = factories.building()
    room, manager = factories.space(building=library), factories.person(roles=[(Role.MANAGER, library)])
    factories.booking(room, march(11, 10, 11), purpose="A choir")
    running.close(manager, room, march(12, 10, 11), "The floor is renewed.")

    forgetting.thin()
    assert db.session.scalars(sa.select(Booking.purpose)).one() == "A choir"
    monday(MONDAY + YEAR + timedelta(days=14))
    forgetting.thin()
    db.session.expire_all()
    assert db.session.scalars(sa.select(Booking.purpose)).one() == ""
    monday(MONDAY + 5 * YEAR + timedelta(days=14))
    forgetting.thin()
    for table in (Booking, Closure, Occupancy):
        assert db.session.scalars(sa.select(table)).all() == [], table


def test_a_booking_to_come_keeps_its_words():
    factories.booking(factories.space(), march(20, 10, 11), purpose="A choir")
    forgetting.thin()
    assert db.session.scalars(sa.select(Booking.purpose)).one() == "A choir"


def test_tokens_and_dead_jobs_go_when_they_are_long_over(monday):
    emily = factories.person()
    accounts.create_api_token(emily, "Old", 30)
    accounts.create_api_token(emily, "For ever", None)
    db.session.add(jobs.Job(name="limits.sweep", payload={}, run_at=clock.now(), dead_at=clock.now()))
    monday(MONDAY + YEAR + timedelta(days=30))
    accounts.sweep()
    jobs.sweep()
    assert list(db.session.scalars(sa.select(ApiToken.name))) == ["For ever"]
    assert db.session.scalars(sa.select(jobs.Job)).all() == []


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_page_on_privacy_says_all_that_is_registered(browser, language):
    page = browser.get(f"/privacy?language={language}").text
    with words.speaking(language):
        said = [str(one.what).replace("'", "&#39;") for one in retention.all_kept()]
    assert len(said) > 10
    assert [what for what in said if what not in page] == []
