"""A new resident books a room for Saturday afternoon, moves the booking, and gives it back."""

from datetime import datetime, timedelta

import pytest


@pytest.mark.parametrize(
    ("language", "scripts", "width"),
    [("en", True, 1280), ("en", False, 320), ("ko", True, 320), ("ko", False, 1280)],
    ids=["en-scripts-1280", "en-plain-320", "ko-scripts-320", "ko-plain-1280"],
)
def test_a_newcomer_books_moves_and_cancels(visitor, saturday, language, scripts, width):
    jiwoo = visitor("en", scripts=scripts, width=width)
    jiwoo.go("/")
    if language != "en":
        jiwoo.switch_to(language)

    jiwoo.follow("Register")
    jiwoo.register({"en": "Jiwoo Park", "ko": "박지우"}[language], f"jiwoo.{language}{width}@example.org")
    jiwoo.reads("Until then you can look at everything, but not book.")
    jiwoo.confirm_address()

    search_for_saturday_afternoon(jiwoo, saturday)
    jiwoo.click(at_once(jiwoo).first)
    chosen = jiwoo.choose(jiwoo.times(saturday, from_hour=13).first)
    jiwoo.press("Continue")

    assert jiwoo.field("How many people will come?").input_value() == "20"
    jiwoo.press("Book the room")
    jiwoo.reads("Enter what you will use the room for.")
    jiwoo.reads("Confirm that you have read the rules and will keep them.")
    jiwoo.field("What will you use the room for?").fill({"en": "A choir of neighbours", "ko": "이웃 합창단"}[language])
    jiwoo.field("I have read the rules and will keep them").check()
    jiwoo.press("Book the room")
    jiwoo.reads("The room is booked")
    booking = jiwoo.page.url.partition("?")[0]

    jiwoo.open_letter("Your room is booked: {time}")
    first = jiwoo.enclosed()
    assert first.start == datetime.fromisoformat(chosen)
    assert first.end - first.start == timedelta(hours=2)

    jiwoo.follow("My bookings")
    jiwoo.click(jiwoo.page.locator(".row__title a").first)
    assert jiwoo.page.url == booking
    jiwoo.press("Change the time")
    later = jiwoo.choose(next(time for time in jiwoo.times().all() if time.input_value() > chosen))
    jiwoo.press("Change to this time")
    jiwoo.reads("Your booking has been moved.")
    jiwoo.open_letter("Your booking has a new time: {time}")
    moved = jiwoo.enclosed()
    assert moved.start == datetime.fromisoformat(later)
    assert (moved["UID"], int(moved["SEQUENCE"])) == (first["UID"], int(first["SEQUENCE"]) + 1)

    jiwoo.go(booking)
    jiwoo.press("Cancel the booking")
    jiwoo.press("Cancel the booking")
    jiwoo.reads("Your booking is cancelled. Thank you for making room for others.")
    jiwoo.open_letter("Cancelled: {time}")
    cancelled = jiwoo.enclosed()
    assert (cancelled["UID"], cancelled["STATUS"]) == (first["UID"], "CANCELLED")


def search_for_saturday_afternoon(someone, saturday):
    someone.follow("Rooms")
    someone.field("Day").fill(str(saturday))
    someone.field("From").select_option("13:00")
    someone.field("To").select_option("18:00")
    someone.field("For how long").select_option("120")
    someone.field("People").fill("20")
    someone.press("Show rooms")


def at_once(someone):
    """The rooms found that need no answer of the building."""
    free = someone.page.locator("section[aria-labelledby=found] .card")
    return free.filter(has_not_text=someone.word("By request")).locator(".card__title a")
