"""A room is booked by keyboard alone: every stop is seen, nothing needs a mouse."""

from datetime import datetime

import pytest

from tests.journeys.conftest import Visitor

WHAT_SHOWS_FOCUS = """() => {
  const here = document.activeElement;
  const looks = (element, pseudo) => {
    const style = getComputedStyle(element, pseudo);
    const outlined = style.outlineStyle !== "none" && style.outlineColor !== "rgba(0, 0, 0, 0)";
    return outlined && parseFloat(style.outlineWidth) > 0 || style.boxShadow !== "none";
  };
  const marked = [here, ...(here.labels || [])];
  const box = (here.labels?.[0] && here.type === "radio" ? here.labels[0] : here).getBoundingClientRect();
  const inside = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  if (!here.matches(":focus")) return inside;  // a part of a date field, which the browser marks itself
  return inside && marked.some(element => [null, "::before", "::after"].some(pseudo => looks(element, pseudo)));
}"""
MOST_STOPS = 150


class Typist:
    """Someone who has no mouse."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor, self.page = visitor, visitor.page

    def tab_to(self, target) -> None:
        """Go from stop to stop until the focus is there; each stop must be seen."""
        for _ in range(MOST_STOPS):
            if target.evaluate("one => one === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
            stop = self.page.evaluate("() => document.activeElement.outerHTML.slice(0, 200)")
            assert self.page.evaluate(WHAT_SHOWS_FOCUS), f"{self.page.url}: the focus is not seen on {stop}"
        raise AssertionError(f"{self.page.url}: {target} is not reached in {MOST_STOPS} stops")

    def type(self, label: str, text: str) -> None:
        """Type into a field."""
        self.tab_to(self.visitor.field(label))
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def send(self, target, key: str = "Enter") -> None:
        """Press a key on a link or a button."""
        self.tab_to(target)
        with self.page.expect_navigation():
            self.page.keyboard.press(key)
        self.visitor.look()


@pytest.mark.parametrize(("scripts", "width"), [(True, 1280), (False, 320)], ids=["scripts-1280", "plain-320"])
def test_booking_without_a_mouse(visitor, saturday, scripts, width):
    emily = visitor("en", scripts=scripts, width=width)
    typist, page = Typist(emily), emily.page
    button = lambda name: page.get_by_role("button", name=name, exact=True)  # noqa: E731
    emily.go("/sign-in")
    typist.type("E-mail address", "newcomer@demo.maeul.example")
    typist.type("Password", "a-room-for-everyone")
    typist.send(button("Sign in"))

    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.className") == "govuk-skip-link"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.querySelector('main').contains(document.activeElement)")

    emily.go("/")
    typist.send(page.get_by_role("link", name="Rooms", exact=True).first)
    typist.tab_to(emily.field("Day"))
    page.keyboard.type(saturday.strftime("%m%d%Y"))
    assert emily.field("Day").input_value() == str(saturday)
    typist.type("People", "20")
    typist.send(button("Show rooms"))
    free = page.locator("section[aria-labelledby=found] .card").filter(has_not_text="By request")
    typist.send(free.locator(".card__title a").first)

    typist.tab_to(page.locator("input[name=start]").first)
    page.keyboard.press("Space")
    first = page.locator("input[name=start]:checked").input_value()
    page.keyboard.press("ArrowDown")
    second = page.locator("input[name=start]:checked").input_value()
    assert datetime.fromisoformat(first) < datetime.fromisoformat(second)
    typist.send(button("Continue"))

    typist.type("What will you use the room for?", "A choir of neighbours")
    typist.tab_to(emily.field("I have read the rules and will keep them"))
    page.keyboard.press("Space")
    typist.send(button("Book the room"), "Space" if scripts else "Enter")
    emily.reads("The room is booked")

    typist.send(page.get_by_role("link", name="My bookings", exact=True).first)
    typist.send(page.locator(".row__title a").first)
    typist.send(button("Cancel the booking"))
    typist.send(button("Cancel the booking"))
    emily.reads("Your booking is cancelled. Thank you for making room for others.")
