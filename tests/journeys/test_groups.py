"""A group is founded, grows and books a room that its officer sees; a manager books for a caller."""

import pytest

from tests.journeys.test_book_a_room import at_once, search_for_saturday_afternoon
from tests.journeys.test_sign_in_midway import book


@pytest.mark.parametrize(("language", "scripts", "width"), [("en", True, 320), ("ko", False, 1280)])
def test_a_group_books_a_room_that_its_officer_sees(visitor, saturday, language, scripts, width):
    name = {"en": "느티나무 합창단", "ko": "은행나무 합창단"}[language]
    haru, emily = visitor(language, scripts=scripts, width=width), visitor(language, scripts=not scripts)
    haru.sign_in("resident")
    haru.go("/groups/")
    haru.press("Found a group")
    haru.field("Name").fill(name)
    haru.page.locator("input[name=sort]").first.check()
    haru.press("Found the group")
    haru.reads("The group is founded. Invite others, or wait until they ask to join.")
    group = haru.page.url
    haru.follow("Invite someone")
    haru.field("E-mail address").fill("newcomer@demo.maeul.example")
    haru.press("Send the invitation")
    haru.reads("The invitation is on its way to {email}.", email="newcomer@demo.maeul.example")

    emily.sign_in("newcomer")
    emily.open_letter("{group} invites you")
    emily.click(emily.page.locator(".letter a[href*='/groups/join/']"))
    emily.press("Join the group")
    emily.reads("You are a member now.")

    haru.go(f"{group}/members")
    haru.click(haru.page.locator("form[action$='/officer'] button").first)
    haru.reads("That is changed.")

    search_for_saturday_afternoon(haru, saturday)
    haru.click(at_once(haru).first)
    haru.choose(haru.times(saturday, from_hour=13).first)
    haru.press("Continue")
    haru.page.get_by_role("radio", name=name, exact=True).check()
    book(haru, "이웃 합창단")
    booking = haru.page.url.partition("?")[0]

    emily.go(booking)
    assert name in emily.page.locator("main").inner_text()
    emily.go("/my")


@pytest.mark.parametrize(("language", "scripts", "width"), [("en", False, 1280), ("ko", True, 320)])
def test_a_manager_books_for_a_caller(visitor, saturday, language, scripts, width):
    manager, caller = visitor(language, scripts=scripts, width=width), visitor(language, width=width)
    manager.sign_in("manager")
    manager.go("/desk")
    manager.go("/spaces/staff/rooms")
    manager.click(manager.page.locator(".row__title a").first)
    manager.go(f"{manager.page.url}/counter?date={saturday}")
    manager.page.get_by_role("radio", name=manager.word("On the telephone"), exact=True).check()
    manager.press("Book the room")
    manager.reads("Enter how many people will come.")
    assert manager.page.get_by_role("radio", name=manager.word("On the telephone"), exact=True).is_checked()
    manager.choose(manager.times().first)
    manager.field("Name").fill("김하루")
    manager.page.locator("input[name=email]").fill("newcomer@demo.maeul.example")
    manager.field("How many people will come?").fill("4")
    manager.field("What will the room be used for?").fill("이웃 합창단")
    manager.field("I told the person the rules, and they will keep them").check()
    manager.press("Book the room")
    reference = manager.page.url.partition("?")[0].rpartition("/")[2]
    manager.reads("Booked. Tell the person the reference: {reference}", reference=reference)

    caller.sign_in("newcomer")
    caller.go("/my")
    caller.go(f"/spaces/bookings/{reference}")
    caller.reads("Made")
