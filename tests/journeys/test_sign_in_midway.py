"""Someone without an account chooses a time first; registering on the way loses nothing."""

from datetime import datetime

from tests.journeys.test_book_a_room import at_once, search_for_saturday_afternoon


def choose_a_time(someone, saturday, nth):
    """As far as one gets without an account; the moment chosen."""
    someone.go("/")
    search_for_saturday_afternoon(someone, saturday)
    someone.click(at_once(someone).nth(nth))
    chosen = someone.choose(someone.times(saturday, from_hour=13).last)
    someone.press("Continue")
    someone.reads("Sign in to go on. Nothing that you typed is lost.")
    return chosen


def test_one_who_confirms_first_finds_the_time_in_the_letter_s_wake(visitor, saturday):
    haru = visitor("en", width=320)
    chosen = choose_a_time(haru, saturday, 0)
    haru.follow("Register", within=haru.page.locator("main"))
    haru.register("Haru Kim", "haru@example.org")
    haru.reads("What you typed is still here. Open our letter and follow its link first; "
               "then go on with what you were doing.")  # fmt: skip

    haru.confirm_address()
    haru.press("Go on")

    assert haru.field("How many people will come?").input_value() == "20"
    book(haru)
    haru.open_letter("Your room is booked: {time}")
    assert haru.enclosed().start == datetime.fromisoformat(chosen)


def test_one_who_goes_on_at_once_keeps_the_time_while_confirming(visitor, saturday):
    bora = visitor("ko", scripts=False)
    choose_a_time(bora, saturday, 1)
    bora.follow("Register", within=bora.page.locator("main"))
    bora.register("이보라", "bora@example.org")
    bora.press("Go on")
    held = bora.page.url
    book(bora, "이웃 합창단", sent=False)
    assert bora.field("What will you use the room for?").input_value() == "이웃 합창단"
    assert bora.field("I have read the rules and will keep them").is_checked()

    bora.confirm_address()
    bora.go(held)
    book(bora, "이웃 합창단")


def test_one_who_has_an_account_signs_in_and_goes_on(visitor, saturday):
    emily = visitor("en", scripts=False, width=320)
    choose_a_time(emily, saturday, 0)
    emily.field("E-mail address").fill("newcomer@demo.maeul.example")
    emily.field("Password").fill("a wrong password")
    emily.press("Sign in")
    emily.field("Password").fill("a-room-for-everyone")
    emily.press("Sign in")
    emily.reads("What you typed is still here. Go on with what you were doing.")
    emily.press("Go on")
    book(emily)


def book(someone, purpose="A choir of neighbours", sent=True):
    """Fill in the rest and send it."""
    someone.field("What will you use the room for?").fill(purpose)
    someone.field("I have read the rules and will keep them").check()
    someone.press("Book the room")
    if sent:
        someone.reads("The room is booked")
