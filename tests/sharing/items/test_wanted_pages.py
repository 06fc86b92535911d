"""The pages of the wanted board and what programs read of it: who sees what, and that nobody is found by it."""

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Person, Role
from marketplace.civic.moderation.models import Act, Reason
from marketplace.civic.moderation.service import decisions
from marketplace.kernel import cells, db, geo
from marketplace.sharing.items.models.listing import Audience
from marketplace.sharing.items.models.wanted import AskMe, Ending, WantedAsked, WantedOffer, WantedPost
from marketplace.sharing.items.queries import wanted as queries
from marketplace.sharing.items.service import wanted
from tests import factories
from tests.factories import NEAR_THE_RIVER, neighbour, sign_in, wants
from tests.sharing.items.test_wanted import lender, thing_of

ASKED = {
    "title": "A ladder on Saturday", "category": "step-ladders", "first": "2027-03-06", "description": "For a lamp",
    "latitude": NEAR_THE_RIVER.latitude, "longitude": NEAR_THE_RIVER.longitude,
}  # fmt: skip


@pytest.fixture
def minjun(browser) -> Person:
    made = neighbour("Minjun Han", district=factories.district(), email="minjun@example.org")
    sign_in(browser, made)
    return made


def the_post() -> WantedPost:
    db.session.expire_all()
    return queries.get_post(db.session.scalars(sa.select(WantedPost.id)).one())


def test_a_resident_posts_on_one_page_with_three_required_fields(browser, minjun):
    sent = browser.send("/items/wanted/new", **ASKED)

    post = the_post()
    assert (sent.status_code, sent.location) == (303, f"/items/wanted/{post.id}")
    assert (post.person_id, post.title, post.first_day, post.last_day) == (
        minjun.id, "A ladder on Saturday", post.last_day, post.first_day,
    )  # fmt: skip
    assert "A ladder on Saturday" in browser.get("/items/wanted/mine").text
    page = browser.get(sent.location).text
    assert "Nobody has offered one yet" in page
    assert "Do you have one?" not in page


def test_what_is_wrong_is_said_beside_what_was_typed(browser, minjun):
    page = browser.send("/items/wanted/new", **(ASKED | {"first": "2027-02-01", "category": ""}))

    assert page.status_code == 422
    assert "Choose a category." in page.text
    assert 'value="A ladder on Saturday"' in page.text
    past = browser.send("/items/wanted/new", **(ASKED | {"first": "2027-02-01"}))
    assert "The first day is in the past" in past.text
    nowhere = browser.send("/items/wanted/new", **(ASKED | {"latitude": "", "longitude": ""}))
    assert "name a public building near you" in nowhere.text
    assert "within the next 180 days" in browser.send("/items/wanted/new", **(ASKED | {"last": "2028-03-06"})).text
    assert db.count(sa.select(WantedPost)) == 0


def test_a_newcomer_reads_why_they_cannot_post(browser):
    sign_in(browser, factories.person("A newcomer"))

    assert "Only verified residents post here" in browser.get("/items/wanted/new").text
    assert browser.send("/items/wanted/new", **ASKED).status_code == 403
    assert db.count(sa.select(WantedPost)) == 0


def test_an_owner_offers_in_one_tap_and_a_confirmation_and_the_poster_asks_for_it(browser, minjun):
    post = wants(minjun)
    owner = lender("Minsu Lee")
    thing = thing_of(owner)
    sign_in(browser, owner)
    page = browser.get(f"/items/wanted/{post.id}").text
    assert "Do you have one?" in page
    offer = f"/items/wanted/{post.id}/offer/{thing.id}"
    assert offer in page
    assert "without your name" in browser.get(offer).text

    assert browser.send(offer).status_code == 303

    assert "Offered by you" in browser.get(f"/items/wanted/{post.id}").text
    sign_in(browser, minjun)
    seen = browser.get(f"/items/wanted/{post.id}").text
    borrow = f"/items/{thing.id}/borrow?first=2027-03-06&amp;last=2027-03-06"
    assert "1 offer" in seen
    assert borrow in seen
    assert "Minsu" not in seen
    assert 'value="2027-03-06"' in browser.get(borrow.replace("&amp;", "&")).text
    assert "1 offer: A ladder" in browser.get("/my").text


def test_an_offer_that_breaks_a_rule_is_refused_with_the_sentence(browser, minjun):
    elsewhere = factories.district("Hillside", west=128.0)
    owner = lender(audience=Audience.DISTRICT, district_id=elsewhere.id)
    post = wants(minjun)
    sign_in(browser, owner)
    path = f"/items/wanted/{post.id}/offer/{thing_of(owner).id}"

    assert "residents of the same district only" in browser.get(path).text
    assert browser.send(path).status_code == 403
    assert db.count(sa.select(WantedOffer)) == 0


def test_nobody_offers_the_things_of_others_or_sees_who_offered(browser, minjun):
    owner, other = lender("Minsu Lee"), lender("Another")
    post, thing = wants(minjun), thing_of(owner)
    wanted.offer(owner, post, thing)
    db.session.commit()
    sign_in(browser, other)

    assert browser.get(f"/items/wanted/{post.id}/offer/{thing.id}").status_code == 404
    assert browser.send(f"/items/wanted/{post.id}/offer/{thing.id}").status_code == 404
    assert browser.send(f"/items/wanted/{post.id}/offer/{thing.id}/take-back").status_code == 404
    page = browser.get(f"/items/wanted/{post.id}").text
    assert f"/items/{thing.id}" not in page.replace(f"/items/{thing_of(other).id}", "")
    assert browser.send(f"/items/wanted/{post.id}/end", ending="found").status_code == 403
    assert db.count(sa.select(WantedOffer)) == 1


def test_an_owner_takes_an_offer_back_and_a_poster_ends_the_post(browser, minjun):
    owner = lender()
    post, thing = wants(minjun), thing_of(owner)
    wanted.offer(owner, post, thing)
    db.session.commit()
    sign_in(browser, owner)
    browser.send(f"/items/wanted/{post.id}/offer/{thing.id}/take-back")
    assert db.count(sa.select(WantedOffer)) == 0
    sign_in(browser, minjun)

    assert browser.send(f"/items/wanted/{post.id}/end", ending="over").status_code == 422
    assert browser.send(f"/items/wanted/{post.id}/end", ending="found").status_code == 303

    assert the_post().ending is Ending.FOUND
    assert "Nobody looks for such a thing now" in browser.get("/items/wanted").text
    sign_in(browser, owner)
    over = browser.get(f"/items/wanted/{post.id}").text
    assert "Nobody looks for this any more" in over
    assert "/offer/" not in over


def test_being_asked_is_off_until_one_agrees_and_can_be_taken_back(browser, minjun):
    assert 'value="no" checked' in browser.get("/items/wanted/ask-me").text
    assert "You are not asked" in browser.get("/items/wanted/mine").text

    browser.send("/items/wanted/ask-me", within=5000)
    assert db.session.get_one(AskMe, minjun.id).within == 5000
    assert 'value="5000" checked' in browser.get("/items/wanted/ask-me").text
    browser.send("/items/wanted/ask-me", within=1000)
    db.session.expire_all()
    assert db.session.get_one(AskMe, minjun.id).within == 1000
    assert browser.send("/items/wanted/ask-me", within=700).status_code == 422
    browser.send("/items/wanted/ask-me", within="no")

    assert db.count(sa.select(AskMe)) == 0


def test_moderators_hide_and_remove_a_post_that_was_reported(browser, minjun):
    post = wants(minjun, "Cheap watches at example.com", description="Buy now")
    reporter, judge = neighbour("A reporter"), factories.person("A judge", roles=[Role.MODERATOR])
    assert "Report this" in as_seen_by(browser, reporter, post).text
    report = factories.report(f"wanted:{post.id}", reporter)

    decisions.decide(judge, report.case, Act.HIDE, reason=Reason.SPAM)
    db.session.commit()
    assert as_seen_by(browser, reporter, post).status_code == 404
    assert "Hidden by a moderator" in as_seen_by(browser, minjun, post).text
    assert "watches" not in browser.get("/items/wanted").text
    assert browser.get("/api/v1/wanted").json["items"] == []
    assert browser.get(f"/api/v1/wanted/{post.id}").status_code == 404

    wanted.remove(the_post())
    db.session.commit()
    assert (the_post().description, the_post().ending) == ("", Ending.WITHDRAWN)
    assert "watches" not in the_post().title


def as_seen_by(browser, person, post):
    sign_in(browser, person)
    return browser.get(f"/items/wanted/{post.id}")


def test_programs_read_the_board_page_by_page(browser, minjun):
    for n in range(3):
        wants(minjun, f"Ladder {n}")
    someone = neighbour("Someone")
    tent = wants(someone, "A tent", category="camping-tents")

    first = browser.get("/api/v1/wanted?limit=2").json
    rest = browser.get(f"/api/v1/wanted?limit=2&cursor={first['next']}").json

    assert [one["title"] for one in first["items"] + rest["items"]] == ["A tent", "Ladder 2", "Ladder 1", "Ladder 0"]
    assert rest["next"] is None
    assert [one["id"] for one in browser.get("/api/v1/wanted?category=camping&q=tent").json["items"]] == [tent.id]
    one = browser.get(f"/api/v1/wanted/{tent.id}").json
    assert set(one) == {
        "id", "title", "category", "first_day", "last_day", "quantity", "description", "district", "posted_at", "link",
    }  # fmt: skip
    assert one["district"]["name_en"] == "Riverside"
    assert browser.get("/api/v1/wanted?category=nonsense").status_code == 422


def test_nothing_public_names_the_poster_or_anything_finer_than_the_district(browser):
    west = factories.district()
    minjun = neighbour("Canary Han", district=west, email="canary@example.org")
    factories.pick_up_place(minjun, address="77 Canary Street")
    post = wants(minjun)
    other = neighbour("Other", email="other@example.org")
    owner = lender("Finch Lee", within=5000)
    factories.pick_up_place(owner, address="78 Finch Street")
    wanted.offer(owner, post, thing_of(owner))
    db.session.commit()
    cell = cells.cell_of(NEAR_THE_RIVER)
    middle = cells.centre(cell)
    canaries = ("Canary", "canary@", "Finch", str(cell), f"{middle.latitude:.3f}", f"{middle.longitude:.3f}")

    paths = ["/items/wanted", f"/items/wanted/{post.id}", "/api/v1/wanted", f"/api/v1/wanted/{post.id}"]
    answers = [browser.get(path).text for path in paths]
    sign_in(browser, other)
    answers += [browser.get(path).text for path in paths]
    sign_in(browser, minjun)
    offers = browser.get(f"/items/wanted/{post.id}").text

    assert all("Riverside" in answer for answer in answers)
    assert [
        (path, word) for path, answer in zip(paths * 2, answers, strict=True) for word in canaries if word in answer
    ] == []
    assert [word for word in canaries[2:] if word in offers] == []


def test_moving_within_a_cell_changes_nothing_of_a_post_and_its_answers(browser):
    factories.district()
    minjun = neighbour("Minjun Han")
    lender(away=0.4, within=1000)
    west, south, east, north = cells._bounds(cells.cell_of(NEAR_THE_RIVER))
    seen = []
    for point in (geo.Point(south + 1e-6, west + 1e-6), geo.Point(north - 1e-6, east - 1e-6)):
        post = wants(minjun, point=point)
        asked = db.count(sa.select(WantedAsked).where(WantedAsked.post_id == post.id))
        record = browser.get(f"/api/v1/wanted/{post.id}").json
        seen.append((asked, {name: record[name] for name in record if name not in {"id", "link"}}))
        wanted.end(minjun, post, Ending.FOUND)

    assert seen[0] == seen[1]


@pytest.mark.parametrize("path", ["/items/wanted", "/items/wanted/mine", "/api/v1/wanted?limit=50"])
def test_the_board_takes_as_many_statements_for_twenty_posts_as_for_one(browser, minjun, statements, monkeypatch, path):
    monkeypatch.setattr(wanted, "MOST_OPEN", 50)
    monkeypatch.setattr(wanted, "MOST_A_DAY", 50)
    wants(minjun)
    browser.get(path)
    with statements() as few:
        browser.get(path)
    for n in range(12):
        wants(minjun, f"Ladder {n}")
    with statements() as many:
        assert "Ladder 11" in browser.get(path).text

    assert len(many) == len(few)


def test_a_post_takes_as_many_statements_for_ten_offers_as_for_one(browser, minjun, statements):
    post = wants(minjun)
    path = f"/items/wanted/{post.id}"
    for n in range(10):
        owner = lender(f"Owner {n}", within=None)
        wanted.offer(owner, post, thing_of(owner))
        db.session.commit()
        if n == 0:
            browser.get(path)
            with statements() as few:
                browser.get(path)
    with statements() as many:
        assert "10 offers" in browser.get(path).text

    assert len(many) == len(few)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_page_speaks_both_languages(browser, minjun, language):
    owner = lender()
    post, thing = wants(minjun), thing_of(owner)
    minjun.language = owner.language = language
    db.session.commit()
    for person, paths in (
        (minjun, ["", "/new", "/mine", f"/{post.id}", "/ask-me"]),
        (owner, [f"/{post.id}", f"/{post.id}/offer/{thing.id}"]),
    ):
        sign_in(browser, person)
        for path in paths:
            page = browser.get(f"/items/wanted{path}")
            assert page.status_code == 200, path
            assert f'lang="{language}"' in page.text
