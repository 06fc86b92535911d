"""A neighbour looks for something; one who lends such a thing is asked, offers it, and lends it."""

from datetime import timedelta
from urllib.parse import urlsplit

from marketplace.kernel import clock
from tests.journeys.test_lending import BOTH, from_the_inbox, list_a_thing, title_of

WANTED = {"en": "A drill for concrete", "ko": "콘크리트용 드릴"}


@BOTH
def test_what_is_wanted_reaches_an_owner_who_offers_it_and_lends_it(visitor, city, language, scripts, width):
    owner, seeker = (visitor(language, scripts=scripts, width=width) for _ in range(2))
    title, day = title_of("drill", language), clock.today() + timedelta(days=2)
    city.typed += [title, WANTED[language]]
    owner.sign_in("resident")
    list_a_thing(owner, title)
    owner.go("/items/wanted/ask-me")
    owner.page.locator("input[name=within]").last.check()
    owner.press("Save")

    seeker.sign_in("staff")
    seeker.go("/items/wanted")
    seeker.press("Say what you look for")
    seeker.field("What do you need?").fill(WANTED[language])
    seeker.page.locator("#category").select_option("drills")
    seeker.field("From").fill(str(day))
    seeker.press("Put it on the board")
    post = urlsplit(seeker.page.url).path

    from_the_inbox(owner, "A neighbour looks for: {thing}, {when}", WANTED[language])
    assert urlsplit(owner.page.url).path == post
    assert "윤지원" not in owner.page.locator("main").inner_text()  # nobody reads who looks for it
    owner.click(owner.page.get_by_role("listitem").filter(has_text=title).get_by_role("button"))
    owner.press("Offer it")

    from_the_inbox(seeker, "Offered to you: {item}, for {wanted}", title)
    seeker.click(
        seeker.page.get_by_role("listitem").filter(has_text=title).get_by_text(seeker.word("Ask to borrow it"))
    )
    seeker.press("Send the request")
    seeker.reads("Your request is sent")
    from_the_inbox(owner, "Someone asks for: {item}, {when}", title)
    owner.press("Answer the request")
    owner.press("Yes, lend it")
    owner.reads("Promised. The borrower has been told.")
    from_the_inbox(seeker, "Yours to borrow: {item}, {when}", title)
    seeker.go(post)
    seeker.press("I found one")
    owner.go(post)
    owner.reads("Nobody looks for this any more.")
