"""Two people want the same time; the one who is late reads it in words and is offered what works."""

import pytest


@pytest.mark.parametrize(("language", "scripts", "width"), [("en", True, 320), ("ko", False, 1280)])
def test_who_comes_second_is_offered_another_time_and_another_room(visitor, saturday, language, scripts, width):
    sora, emily = visitor("ko", scripts=False), visitor(language, scripts=scripts, width=width)
    sora.sign_in("resident")
    emily.sign_in("newcomer")
    room = room_with_free_times(emily, saturday)
    for each in (sora, emily):
        each.go(room)
        taken = each.choose(each.times().first)
    sora.press("Continue")

    emily.press("Continue")
    emily.reads("Someone just took that time.")
    emily.reads("The nearest free times of this room:")
    offered = emily.page.locator("section[aria-labelledby=instead]")
    rooms = [str(link.get_attribute("href")) for link in offered.get_by_role("link").all()]
    assert rooms

    emily.click(offered.get_by_role("button").first)
    assert "/details" in emily.page.url
    emily.press("Leave, and free the time for others")
    emily.go(rooms[0])
    emily.choose(emily.page.locator(f"input[name=start][value='{taken}']"))
    emily.press("Continue")
    assert "/details" in emily.page.url
    emily.press("Leave, and free the time for others")
    sora.press("Leave, and free the time for others")


def room_with_free_times(someone, day):
    """The address of a room that is free sometime that day."""
    someone.go(f"/spaces/?date={day}")
    card = someone.page.locator("section[aria-labelledby=found] .card").filter(has_not_text=someone.word("By request"))
    return str(card.locator(".card__title a").first.get_attribute("href"))
