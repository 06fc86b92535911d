"""A resident and a building write about a booking: a number is held back, a picture shown, an answer typed."""

import io
import time
from datetime import timedelta

import pytest
import sqlalchemy as sa
from PIL import Image

from marketplace.kernel import clock
from marketplace.kernel.jobs import Job
from tests.journeys.conftest import PATIENCE, like
from tests.journeys.test_by_keyboard import Typist
from tests.journeys.test_manager import ask

BEFORE, WITHOUT = "제 번호는 010-1234-5678입니다.", "의자는 몇 개 있습니까?"
WITH_PICTURE, ANSWER = "이렇게 놓아도 될까요?", "네, 그렇게 하십시오."


@pytest.mark.parametrize(("language", "scripts", "width"), [("en", True, 1280), ("ko", False, 320)])
def test_a_message_with_a_picture_is_answered_by_keyboard(visitor, city, saturday, language, scripts, width):
    manager, mina = visitor(language, scripts=scripts, width=width), visitor(language, scripts=scripts, width=width)
    city.typed += [BEFORE, WITHOUT, WITH_PICTURE, ANSWER]
    manager.sign_in("manager")
    manager.go("/spaces/staff/rooms")
    manager.click(manager.page.locator(".row__title a").nth(1))
    room = manager.page.url
    manager.follow("Change the rules")
    manager.field("The building answers each request itself").check()
    manager.press("Save the rules")

    mina.sign_in("newcomer")
    mina.go(f"{room}?date={saturday + timedelta(days=7 if language == 'en' else 14)}")
    wish = ask(mina, mina.times().first)

    mina.follow("Write to the building")
    mina.field("Your message").fill(BEFORE)
    mina.press("Send")
    mina.reads("Your message is not sent yet. This stands out in it:")
    assert "010-1234-5678" in mina.page.locator("main li").first.inner_text()
    mina.field("Your message").fill(WITHOUT)
    mina.press("Send the changed message")
    assert mina.page.locator(".talk__text").all_inner_texts() == [WITHOUT]

    manager.go(f"/spaces/staff/bookings/{wish}")
    manager.page.get_by_role("radio", name=manager.word("Confirm the booking"), exact=True).check()
    manager.press("Send the answer")

    mina.go(f"/spaces/bookings/{wish}")
    mina.follow("Write to the building")
    mina.field("Your message").fill(WITH_PICTURE)
    mina.page.locator("summary", has_text=mina.word("Add pictures or a recording")).click()
    mina.page.locator("input[type=file][name=files]").set_input_files(picture())
    mina.press("Send")
    mina.reads("You")
    conversation = mina.page.url.partition("#")[0]

    manager.go("/desk")
    manager.reads("Messages to read")
    shown = wait_for(manager, conversation, ".uploads__picture")
    assert shown.get_attribute("alt") == manager.word("Picture: {name}", name="chairs.png")
    shown.scroll_into_view_if_needed()
    assert shown.evaluate("async one => { await one.decode(); return one.naturalWidth; }") > 0
    assert WITH_PICTURE in manager.page.locator(".talk").inner_text()

    typist = Typist(manager)
    typist.type("Your message", ANSWER)
    typist.send(manager.page.get_by_role("button", name=manager.word("Send"), exact=True))
    assert manager.page.locator(".talk__text").last.inner_text() == ANSWER

    the_moment_comes(city, "conversations.tell")
    mina.click(wait_for(mina, "/inbox?show=unread", ".row__title a", like("{name} wrote to you. {title}")))
    assert mina.page.url.partition("#")[0].partition("?")[0] == conversation.partition("?")[0]
    assert ANSWER in mina.page.locator(".talk").inner_text()


def picture():
    """Four chairs in a square, as far as a browser is concerned."""
    file = io.BytesIO()
    Image.new("RGB", (640, 480), "#3a7d44").save(file, "PNG")
    return {"name": "chairs.png", "mimeType": "image/png", "buffer": file.getvalue()}


def the_moment_comes(city, job):
    """What is told only after a while is told now."""
    city.change(sa.update(Job).where(Job.name == job).values(run_at=clock.now() - timedelta(seconds=1)))


def wait_for(someone, path, selector, text=None):
    """Look at a page again until something is on it."""
    until = time.monotonic() + PATIENCE / 1000
    while True:
        someone.go(path)
        found = someone.page.locator(selector, has_text=text) if text else someone.page.locator(selector)
        if found.count():
            return found.first
        assert time.monotonic() < until, f"{someone.page.url}: no {selector} {text or ''}"
        time.sleep(0.3)
