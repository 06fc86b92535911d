"""Someone chooses how news comes: once a day, no more letters by a letter's link, bookings in their own calendar."""

import icalendar
import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.civic.notifications.models import Cadence, TopicChoice
from tests.journeys.test_book_a_room import at_once, search_for_saturday_afternoon
from tests.journeys.test_sign_in_midway import book


@pytest.mark.parametrize(("language", "scripts", "width"), [("en", False, 1280), ("ko", True, 320)])
def test_news_come_as_chosen(visitor, city, saturday, language, scripts, width):
    emily = visitor(language, scripts=scripts, width=width)
    emily.sign_in({"en": "newcomer", "ko": "resident"}[language])
    emily.go("/my")
    emily.follow("Which letters you get")
    messages = emily.page.get_by_role("group", name=emily.word("Messages"), exact=True)
    messages.get_by_label(emily.word("Once a day, all together"), exact=True).check()
    emily.press("Save")
    emily.reads("Your choice is saved.")
    assert chosen(emily, "messages") is Cadence.DAILY

    search_for_saturday_afternoon(emily, saturday)
    emily.click(at_once(emily).first)
    emily.choose(emily.times(saturday, from_hour=13).first)
    emily.press("Continue")
    book(emily, "이웃 합창단")
    booked = emily.page.url.partition("?")[0].rpartition("/")[2]

    emily.open_letter("Your room is booked: {time}")
    emily.page.context.clear_cookies()  # a letter's link asks nobody who they are
    emily.go(
        str(emily.page.locator(".letter a[href*='/unsubscribe/']").get_attribute("href")) + f"?language={language}"
    )
    emily.press("End these letters")
    emily.reads("No more of these letters")
    assert chosen(emily, "spaces") is Cadence.OFF

    emily.sign_in(emily.email.partition("@")[0])
    emily.go("/inbox")
    emily.press("Mark everything as read")
    emily.reads("Everything is marked as read.")

    emily.go("/calendar")
    emily.press("Make the address")
    address = emily.page.locator("code.civic-token").inner_text()
    entries = feed(emily, address)
    assert any(booked in str(entry.to_ical()) for entry in entries)
    emily.press("Stop the address")
    assert emily.fetch(address).status == 404


def chosen(someone, topic):
    """What the person chose for the letters about a topic."""
    own = sa.select(TopicChoice.cadence).join(Person).where(Person.email == someone.email, TopicChoice.topic == topic)
    return someone.city.ask(own)


def feed(someone, address):
    """The entries that a calendar program finds at the secret address."""
    answer = someone.fetch(address)
    assert answer.headers["content-type"].startswith("text/calendar")
    return icalendar.Calendar.from_ical(answer.body()).walk("VEVENT")
