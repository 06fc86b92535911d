"""Every page of the house, as someone who may see it: in both languages, on a desk and on a phone."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser

from marketplace.civic.departments.models import Department
from marketplace.civic.places.models import District
from marketplace.kernel import clock
from marketplace.portal.demo.queries import DOMAIN
from marketplace.sharing.spaces.models import Booking, BookingState, Space
from tests.journeys.conftest import City, Visitor

ROUTES = (Path(__file__).parents[1] / "house" / "routes.txt").read_text().splitlines()
PAGES = [
    (mark.strip(), path)
    for mark, methods, path in (re.fullmatch(r"(.+?) +([A-Z ]+?) +(/.*)", line).groups() for line in ROUTES)  # type: ignore[union-attr]
    if "GET" in methods and not path.startswith(("/static/", "/api/v1/", "/api/openapi"))
]
NO_PAGES = {
    "/health", "/go-on", "/spaces/bookings/<reference>/booking.ics", "/dev/mailbox/<name>/<int:number>",
    "/account/data/<int:export_id>", "/account/passkeys/question", "/sign-in/passkey/question", "/sign-in/second-step",
}  # fmt: skip
WITH_QUESTIONS = [
    ("public", "/spaces/?date=<day>&from=13:00&to=18:00&minutes=120&people=20&needs=projector"),
    ("public", "/spaces/?date=<day>&show=others"),
    ("public", "/spaces/?q=nothing-is-called-so"),
    ("public", "/spaces/?from=18:00&to=09:00&people=many"),
    ("public", "/spaces/?page=2"),
    ("public", "/buildings/?district=<code>&words=a"),
    ("public", "/no-such-page"),
    ("residents", "/no-such-page"),
    ("residents", "/spaces/bookings?show=past"),
    ("residents", "/buildings/<int:building_id>/edit"),
    ("staff: manager, administrator", "/spaces/staff/?show=coming"),
    ("staff: administrator", "/staff/people/?words=example"),
]


class Everyone:
    """A window for each kind of person, kept open; and something of everything to look at."""

    def __init__(self, browser: Browser, city: City) -> None:
        self.browser, self.city = browser, city
        self.visitors: dict[str, Visitor] = {}
        self.things = self._things()

    def window(self, who: str) -> Visitor:
        """That person's window."""
        if who not in self.visitors:
            context = self.browser.new_context(base_url=self.city.address, locale="en-GB", reduced_motion="reduce")
            made = self.visitors[who] = Visitor(self.city, context.new_page(), "en", scripts=True)
            made.listen()
            if who not in ("nobody", "unconfirmed"):
                made.sign_in(who)
        return self.visitors[who]

    def _things(self) -> dict[str, Any]:
        ask = self.city.ask
        of_the_resident = Booking.person.has(email=f"resident@{DOMAIN}")
        managed = ask(
            "SELECT min(building_id) FROM role_grants JOIN people ON people.id = person_id "
            f"WHERE email = 'manager@{DOMAIN}'"
        )
        room = ask(sa.select(Space.id).where(Space.building_id == managed).order_by(Space.id))
        still_movable = Booking.starts_at > clock.now() + timedelta(days=3)
        confirmed = Booking.state == BookingState.CONFIRMED
        coming = sa.select(Booking.reference).where(of_the_resident, confirmed, still_movable)
        few_starts = Booking.space.has(Space.raster_minutes >= 60)  # axe takes its time with 600 radio buttons
        return {
            "building_id": managed,
            "space_id": room,
            "reference": ask(coming.where(few_starts).order_by(Booking.starts_at)),
            "person_id": ask(f"SELECT id FROM people WHERE email = 'newcomer@{DOMAIN}'"),
            "department_id": ask(sa.select(Department.id)),
            "code": ask(sa.select(District.code)),
            "day": clock.today() + timedelta(days=6),
        }


@pytest.fixture(scope="module")
def everyone(browser: Browser, city: City) -> Iterator[Everyone]:
    made = Everyone(browser, city)
    with_a_hold(made)
    with_letters(made)
    yield made
    for visitor in made.visitors.values():
        visitor.page.context.close()


def with_a_hold(everyone: Everyone) -> None:
    """The resident has begun a booking, and asked for a room of the manager's."""
    resident = everyone.window("resident")
    room = everyone.things["space_id"]
    manager = everyone.window("manager")
    manager.go(f"/spaces/{room}/rules")
    manager.field("The building answers each request itself").check()
    manager.press("Save the rules")
    for wanted in ("request", "held"):
        resident.go(f"/spaces/{room}?date={clock.today() + timedelta(days=30)}")
        resident.choose(resident.times().first)
        resident.press("Continue")
        everyone.things[wanted] = resident.page.url.split("/")[-2]
        if wanted == "request":
            resident.field("How many people will come?").fill("4")
            resident.field("What will you use the room for?").fill("이웃 합창단")
            resident.field("I have read the rules and will keep them").check()
            resident.press("Send the request")


def with_letters(everyone: Everyone) -> None:
    """Letters with links: to confirm an address, to set a new password."""
    nobody = everyone.window("nobody")
    nobody.go("/forgot-password")
    nobody.field("E-mail address").fill(f"newcomer@{DOMAIN}")
    nobody.press("Send the letter")
    nobody.email = f"newcomer@{DOMAIN}"
    nobody.open_letter("Set a new password")
    everyone.things["reset"] = str(nobody.page.locator(".letter a").get_attribute("href")).rpartition("/")[2]
    everyone.things["name"] = nobody.page.url.rpartition("/")[2]
    someone = everyone.window("unconfirmed")
    someone.go("/register")
    someone.register("최하늘", "haneul@example.org")
    someone.open_letter("Confirm your e-mail address")
    everyone.things["confirm"] = str(someone.page.locator(".letter a").get_attribute("href")).rpartition("/")[2]


OTHER_THING = {
    "/confirm/<link>": "confirm", "/new-password/<link>": "reset", "/spaces/bookings/<reference>/details": "held",
    "/spaces/staff/bookings/<reference>": "request",
}  # fmt: skip
SEEN_BY = {
    "public": "nobody",
    "residents": "resident",
    "staff: manager, administrator": "manager",
    "staff: administrator": "admin",
}


@pytest.mark.parametrize(
    ("mark", "path"), [page for page in PAGES if page[1] not in NO_PAGES] + WITH_QUESTIONS, ids=lambda text: text
)
def test_the_page_has_no_fault(everyone, mark, path):
    visitor = everyone.window(SEEN_BY[mark])
    kind = path.partition("?")[0]
    thing = lambda argument: str(everyone.things[OTHER_THING.get(kind, argument[1])])  # noqa: E731
    address = re.sub(r"<(?:\w+:)?(\w+)>", thing, path)
    for language in ("en", "ko"):
        visitor.language = language
        visitor.page.set_viewport_size({"width": 1280, "height": 900})
        visitor.go(f"{address}{'&' if '?' in address else '?'}language={language}")
        visitor.page.set_viewport_size({"width": 320, "height": 640})
        visitor.look()
