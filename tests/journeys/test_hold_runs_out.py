"""A held time runs out while the form is being filled in: if nobody took it, it still goes through."""

from datetime import timedelta

import sqlalchemy as sa

from marketplace.kernel import clock
from marketplace.kernel.occupancy import Occupancy
from marketplace.sharing.spaces.models import Booking, BookingState
from tests.journeys.test_lost_race import room_with_free_times
from tests.journeys.test_sign_in_midway import book


def let_it_run_out(city):
    """Ten minutes pass."""
    ago = clock.now() - timedelta(seconds=1)
    city.change(sa.update(Booking).where(Booking.state == BookingState.HELD).values(held_until=ago))
    city.change(sa.update(Occupancy).where(Occupancy.expires_at.is_not(None)).values(expires_at=ago))


def test_a_time_that_nobody_took_goes_through(visitor, city, saturday):
    emily = visitor("en")
    hold(emily, saturday)
    let_it_run_out(city)
    emily.page.reload()
    emily.reads("The time is no longer held. Send the form anyway: if nobody took it, it is yours.")

    emily.field("How many people will come?").fill("3")
    book(emily)


def test_a_time_that_went_to_someone_else_leaves_what_was_typed_and_other_times(visitor, city, saturday):
    emily, sora = visitor("en", width=320), visitor("ko", scripts=False)
    chosen = hold(emily, saturday)
    room = str(emily.page.get_by_role("link", name="Choose another time").get_attribute("href"))
    let_it_run_out(city)
    sora.sign_in("resident")
    sora.go(room)
    sora.choose(sora.page.locator(f"input[name=start][value='{chosen}']"))
    sora.press("Continue")

    emily.field("How many people will come?").fill("3")
    book(emily, sent=False)

    assert emily.field("What will you use the room for?").input_value() == "A choir of neighbours"
    emily.reads("What you could do instead")
    emily.click(emily.page.locator("section[aria-labelledby=instead]").get_by_role("button").first)
    emily.field("How many people will come?").fill("3")
    book(emily)


def hold(someone, day):
    """Sign in and choose a time; the moment."""
    someone.sign_in("newcomer")
    someone.go(room_with_free_times(someone, day))
    chosen = someone.choose(someone.times().first)
    someone.press("Continue")
    return chosen
