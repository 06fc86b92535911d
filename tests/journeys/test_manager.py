"""Those who run a building answer requests and close rooms; residents read it in letters."""

from datetime import timedelta

import pytest

from marketplace.kernel import clock
from tests.journeys.conftest import event_of


@pytest.mark.parametrize(("language", "scripts", "width"), [("en", True, 1280), ("ko", True, 320)])
def test_a_room_is_asked_for_granted_and_closed(visitor, saturday, language, scripts, width):
    manager, emily = visitor(language, scripts=scripts, width=width), visitor("en")
    day = saturday + timedelta(days=7 if language == "en" else 21)

    manager.sign_in("manager")
    manager.go("/spaces/staff/rooms")
    manager.click(manager.page.locator(".row__title a").first)
    room = manager.page.url
    manager.follow("Change the rules")
    manager.field("The building answers each request itself").check()
    manager.press("Save the rules")

    emily.sign_in("newcomer")
    emily.go(f"{room}?date={day}")
    times = emily.page.locator("input[name=start]")
    asked = {ask(emily, times.first)}
    emily.open_letter("Your request is sent: {time}")
    emily.go(f"{room}?date={day}")
    asked.add(ask(emily, times.last))

    manager.open_letter("A request waits for your answer: {time}")
    manager.click(manager.page.locator(".letter a").first)
    granted = manager.page.url.rpartition("/")[2]
    manager.page.get_by_role("radio", name=manager.word("Confirm the booking"), exact=True).check()
    manager.press("Send the answer")
    manager.reads("The booking is confirmed; the resident has been told.")
    emily.open_letter("Your room is booked: {time}")
    assert emily.enclosed()["STATUS"] == "CONFIRMED"

    (other,) = asked - {granted}
    manager.go(f"/spaces/staff/bookings/{other}")
    manager.page.get_by_role("radio", name=manager.word("Decline"), exact=True).check()
    manager.press("Send the answer")
    manager.field("Reason, if you decline").fill("그날은 대청소가 있습니다.")
    manager.press("Send the answer")
    manager.reads("The request is declined; the resident reads your reason.")
    emily.open_letter("Your request was declined: {time}")
    assert "그날은 대청소가 있습니다." in emily.page.locator(".letter").inner_text()

    booked = clock.local(start_of(emily, granted))
    manager.go(room)
    manager.follow("Closures")
    for label, value in (("Closes on", booked.date()), ("Opens again on", booked.date() + timedelta(days=1))):
        manager.field(label).fill(str(value))
    manager.field("Closes at").select_option("00:00")
    manager.field("Opens again at").select_option("00:00")
    manager.field("Reason").fill("바닥을 새로 깝니다.")
    manager.press("Close the room")
    assert "Emily Carter" in manager.page.locator("main").inner_text()
    manager.press("Close the room and cancel these bookings")
    manager.reads("The room is closed then.")
    emily.open_letter("Your booking is cancelled by the building: {time}")
    assert emily.enclosed()["STATUS"] == "CANCELLED"
    assert "바닥을 새로 깝니다." in emily.page.locator(".letter").inner_text()

    manager.press("Open again")
    manager.reads("The room is open again at that time.")


def ask(someone, time):
    """Send a request for a time of the room on the page; its reference."""
    someone.choose(time)
    someone.press("Continue")
    someone.field("How many people will come?").fill("4")
    someone.field("What will you use the room for?").fill("이웃 합창단")
    someone.field("I have read the rules and will keep them").check()
    someone.press("Send the request")
    someone.reads("Your request is sent")
    return someone.page.url.partition("?")[0].rpartition("/")[2]


def start_of(someone, reference):
    """When a booking begins, by its resident's calendar."""
    answer = someone.fetch(f"{someone.city.address}/spaces/bookings/{reference}/booking.ics")
    return event_of(answer.body()).start
