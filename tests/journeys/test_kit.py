"""A resident books a room with the things that go with it, in one go; whoever comes second reads what else would do."""

from urllib.parse import urlsplit

import pytest

from tests.journeys.test_by_keyboard import Typist

MOST_PAGES, MOST_FIELDS = 4, 4


@pytest.mark.parametrize(
    ("language", "scripts", "width"), [("en", True, 1280), ("ko", False, 320)], ids=["en", "ko-no-scripts-320"]
)
def test_a_kit_is_booked_and_who_comes_second_loses_cleanly(visitor, saturday, language, scripts, width):
    emily, sora = visitor(language, scripts=scripts, width=width), visitor("ko", scripts=False)
    pages: list[str] = []
    emily.sign_in("resident")
    sora.sign_in("manager")
    emily.page.on("framenavigated", lambda frame: pages.append(urlsplit(frame.url).path))

    emily.go("/kits/")
    emily.click(emily.page.locator(".card__title a").first)
    address = urlsplit(emily.page.url).path
    emily.go(f"{address}?date={saturday}")
    moment = with_free_times(emily)
    emily.press("Continue")
    assert emily.page.locator("main").locator("input:not([type=hidden]), textarea").count() <= MOST_FIELDS
    chosen = urlsplit(emily.page.url).query
    sora.go(f"{address}/book?{chosen}")
    fill_in(emily, "5", "Choir" if language == "en" else "합창 연습")
    emily.press("Book the kit")
    emily.reads("The kit is booked")
    assert len(set(pages)) <= MOST_PAGES

    fill_in(sora, "3", "독서 모임")
    sora.press("Book the kit")
    sora.reads("Someone just took that time.")
    assert "아무것도 예약하지 않았습니다" in sora.page.locator(".govuk-error-summary").inner_text()
    assert sora.field("What will you use it for?").input_value() == "독서 모임"
    sora.go(f"{address}?date={moment[:10]}")
    assert sora.page.locator(f'input[value="{moment}"]').count() == 0

    emily.press("Cancel the whole kit")
    emily.field("Why?").fill("Ill" if language == "en" else "몸이 아파요")
    emily.press("Cancel the whole kit")
    emily.reads("The whole kit is cancelled. Thank you for making room for others.")


def test_a_kit_is_booked_by_keyboard(visitor):
    emily = visitor("en")
    typist, page = Typist(emily), emily.page
    emily.sign_in("resident")
    emily.go("/kits/")
    typist.send(page.locator(".card__title a").first)
    with_free_times(emily, choose=False)
    typist.tab_to(page.locator("input[name=start]").first)
    page.keyboard.press("Space")
    typist.send(page.get_by_role("button", name="Continue", exact=True))
    typist.type("How many people will come?", "5")
    typist.type("What will you use it for?", "Choir")
    typist.tab_to(emily.field("I have read the rules and will keep them"))
    page.keyboard.press("Space")
    typist.send(page.get_by_role("button", name="Book the kit", exact=True), "Space")
    emily.reads("The kit is booked")


def test_the_manager_puts_a_kit_together(visitor):
    manager = visitor("en")
    manager.sign_in("manager")
    manager.go("/kits/staff/")
    manager.press("Make a kit")
    building = manager.city.ask("SELECT building_id FROM libraries ORDER BY id")
    manager.page.locator("#building").select_option(str(building))
    manager.field("Name").fill("Choir set")
    manager.press("Continue")
    for kind in ("space:", "item:"):
        value = manager.page.locator(f"#part option[value^='{kind}']").first.get_attribute("value")
        manager.page.locator("#part").select_option(value)
        manager.press("Put it in")
    manager.field("Residents can find and book it").check()
    manager.press("Save")
    manager.reads("The kit is saved.")
    manager.go("/kits/")
    assert "Choir set" in manager.page.inner_text("main")


def fill_in(someone, people, purpose):
    """What the one form of a kit asks for."""
    someone.field("How many people will come?").fill(people)
    someone.field("What will you use it for?").fill(purpose)
    someone.field("I have read the rules and will keep them").check()


def with_free_times(someone, *, choose=True):
    """Go on from week to week until everything is free sometime; choose the first time, and say which."""
    for _ in range(6):
        if someone.times().count():
            break
        someone.click(someone.page.locator("a[rel=next]"))
    return someone.choose(someone.times().first) if choose else None
