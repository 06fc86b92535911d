"""Listing through the pages: few answers are enough, and nothing typed is lost."""

import re
from io import BytesIO

import pytest
import sqlalchemy as sa
from PIL import Image

from marketplace.civic.uploads.models import Upload
from marketplace.civic.uploads.queries import of_subjects
from marketplace.civic.uploads.service import magic
from marketplace.kernel import clock, db, geo, jobs
from marketplace.sharing.items.models.lending import LoanState
from marketplace.sharing.items.models.listing import Audience, Condition, Item, PickUpPlace
from marketplace.sharing.items.queries import listings
from marketplace.sharing.items.schemas import listing as schemas
from tests import factories
from tests.factories import neighbour

THREE = {"title": "Cordless drill", "category": "drills", "condition": "good"}
EVERY_DAY = {"pick_up_days": [str(day) for day in range(7)]}


@pytest.fixture
def owner(browser):
    made = neighbour("Minsu Lee", district=factories.district())
    factories.pick_up_place(made)
    factories.sign_in(browser, made)
    return made


@pytest.fixture
def newcomer(browser):
    made = neighbour("Newly Here", district=factories.district())
    factories.sign_in(browser, made)
    return made


def fill_in(browser, path="/items/new", **fields):
    """Send the form as the page gives it, with what is typed."""
    return browser.send(path, **{**EVERY_DAY, **fields})


def only_item() -> Item:
    return listings.get_item(db.session.scalars(sa.select(Item.id)).one())


def picture(width=60, height=40) -> BytesIO:
    sent = BytesIO()
    made = Image.new("L", (width, height))
    made.paste(255, (0, 0, width // 3, height))
    made.save(sent, "PNG")
    sent.seek(0)
    return sent


def change_of(browser, item, **fields):
    """Send the page of changes as it is shown, but for what is typed."""
    shown = {name: value for name, value in schemas.as_typed(item).items() if value not in (False, "", None)}
    return browser.send(f"/items/{item.id}/change", **{**shown, **fields})


# --- a new thing ---


def test_three_answers_are_enough(browser, owner):
    answer = fill_in(browser, **THREE)

    drill = only_item()
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/items/{drill.id}/listed")
    assert (drill.title, drill.condition, drill.audience) == ("Cordless drill", Condition.GOOD, Audience.RESIDENTS)
    assert (drill.fee, drill.deposit, drill.value, drill.longest_days, len(drill.units)) == (0, 0, None, 7, 1)
    assert (drill.pick_up_days, drill.pick_up_from, drill.pick_up_to) == (127, 540, 1260)
    done = browser.get(answer.headers["Location"]).text
    assert "It is listed" in done
    assert "Cordless drill" in done


def test_everything_else_can_be_said_too(browser, owner):
    club = factories.group(by=owner)
    fill_in(
        browser, **THREE, description="By Bosch", quantity="2", value="120,000", fee="3000", deposit="20,000",
        longest_days="3", notice_days="1", audience=f"group:{club.id}", pick_up_days=["5", "6"], pick_up_from="600",
        pick_up_to="720", pick_up_note="After lunch", trusts="yes", rules="Clean it.", part_1="Drill bit", count_1="3",
        part_3="Charger",
    )  # fmt: skip
    drill = only_item()
    assert (drill.value, drill.fee, drill.deposit) == (120_000, 3_000, 20_000)
    assert (drill.audience, drill.group_id, drill.trusts) == (Audience.GROUP, club.id, True)
    assert (drill.pick_up_days, drill.pick_up_from, drill.pick_up_to) == (0b1100000, 600, 720)
    assert [(part.name, part.count) for part in drill.accessories] == [("Drill bit", 3), ("Charger", 1)]
    assert len(drill.units) == 2


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"title": ""}, "Enter what it is"),
        ({"category": "no-such"}, "Choose one of the categories"),
        ({"condition": ""}, "Choose how good it is"),
        ({"fee": "a little"}, "Enter an amount of money"),
        ({"deposit": "-5"}, "Enter an amount from 0"),
        ({"value": "1e99"}, "Enter an amount"),
        ({"quantity": "21"}, "Enter a number from 1 to 20"),
        ({"longest_days": "91"}, "Enter a number from 1 to 90"),
        ({"pick_up_days": []}, "Choose at least one day"),
        ({"pick_up_from": "720", "pick_up_to": "720"}, "The end is before the start"),
        ({"count_2": "4"}, "Enter what there are 4 of"),
        ({"part_2": "Drill bit"}, "in the list already"),
        ({"audience": "group:99999"}, "Choose a group that you belong to"),
        ({"audience": "everyone"}, "not written as it must be"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(browser, owner, typed, sentence):
    answer = fill_in(browser, **{**THREE, "description": "With <care>", "part_1": "Drill bit", **typed})
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "With &lt;care&gt;" in answer.text
    assert 'value="Drill bit"' in answer.text
    assert not db.session.scalars(sa.select(Item)).all()


def test_more_rows_for_accessories_keep_everything(browser, owner):
    answer = fill_in(browser, title="Drill", part_1="Bit", more="yes", fee="wrong so far", category="drills")
    assert answer.status_code == 200
    assert 'name="part_7"' in answer.text
    assert 'name="part_8"' not in answer.text
    assert 'value="wrong so far"' in answer.text
    assert re.search(r'value="drills"\s+selected', answer.text)
    assert "There is a problem" not in answer.text
    assert not db.session.scalars(sa.select(Item)).all()


def test_the_rows_end_where_a_thing_has_its_most(browser, owner):
    answer = fill_in(browser, **THREE, **{f"part_{number}": f"Bit {number}" for number in range(1, 21)}, more="yes")
    assert 'name="part_20"' in answer.text
    assert "Add more rows" not in answer.text


def test_the_first_time_the_place_is_asked_for_on_the_same_page(browser, newcomer):
    factories.building("Riverside Library", point=factories.NEAR_THE_RIVER)
    assert 'name="near"' in browser.get("/items/new").text

    refused = fill_in(browser, **THREE, address="12 River Road")
    assert refused.status_code == 422
    assert "Say where people fetch your things" in refused.text
    assert 'value="Cordless drill"' in refused.text
    assert 'value="12 River Road"' in refused.text
    unknown = fill_in(browser, **THREE, near="Opera house")
    assert "No public building of that name" in unknown.text

    assert fill_in(browser, **THREE, near="Riverside", address="12 River Road").status_code == 303
    place = factories.place_of(newcomer)
    assert listings.address_of(place) == "12 River Road"
    assert only_item().cell == place.cell
    assert 'name="near"' not in browser.get("/items/new").text


def test_a_refused_thing_keeps_no_place(browser, newcomer):
    here = {"latitude": "37.55", "longitude": "127.05"}
    assert fill_in(browser, **{**THREE, **here, "audience": "group:9999"}).status_code == 422
    assert not db.session.scalars(sa.select(PickUpPlace)).all()
    assert fill_in(browser, **THREE, **here).status_code == 303


def test_pictures_come_with_it_and_are_kept_over_a_refusal(browser, owner):
    refused = fill_in(browser, **{**THREE, "title": "", "pictures": (picture(), "drill.jpg")})
    assert refused.status_code == 422
    kept = re.search(r'name="pictures" type="checkbox" value="(\d+)" checked', refused.text)
    assert kept, refused.text

    fill_in(browser, **THREE, pictures=kept[1])

    attached = of_subjects([f"item:{only_item().id}"])
    assert [upload.name for uploads in attached.values() for upload in uploads] == ["drill.jpg"]


def test_a_picture_of_too_many_pixels_gets_its_sentence(browser, owner, monkeypatch):
    monkeypatch.setattr(magic, "MOST_PIXELS", 40_000_000)
    answer = fill_in(browser, **THREE, pictures=(picture(8000, 5001), "huge.jpg"))
    assert answer.status_code == 422
    assert "40" in answer.text
    assert "pixels" in answer.text
    assert not db.session.scalars(sa.select(Upload)).all()


def test_a_picture_of_forty_megapixels_is_taken(browser, owner):
    answer = fill_in(browser, **THREE, pictures=(picture(8000, 5000), "large.jpg"))
    assert answer.status_code == 303
    db.session.commit()
    jobs.run_pending()
    db.session.expire_all()
    (made,) = of_subjects([f"item:{only_item().id}"])[f"item:{only_item().id}"]
    assert made.is_ready
    assert made.width == 1600
    assert made.look is not None


def test_something_like_it_is_asked_about_and_sent_once_more_it_is_listed(browser, owner):
    drill = factories.item("Cordless drill", owner)
    asked = fill_in(browser, **THREE)
    assert asked.status_code == 409
    assert "You list this already?" in asked.text
    assert f"/items/{drill.id}/change" in asked.text
    assert 'name="sure" value="yes"' in asked.text
    assert fill_in(browser, **THREE, sure="yes").status_code == 303


def test_the_same_form_sent_twice_lists_once(browser, owner):
    first = fill_in(browser, **THREE, _key="one")
    again = fill_in(browser, **THREE, _key="one")
    assert (first.headers["Location"], again.status_code) == (again.headers["Location"], 303)
    assert only_item()


# --- changing ---


def test_the_form_of_changes_shows_what_is_kept(browser, owner):
    drill = factories.item("Cordless drill", owner, units=2, parts={"Bit": 3}, fee=3000, pick_up_days=0b11)
    page = browser.get(f"/items/{drill.id}/change").text
    for shown in ('value="Cordless drill"', 'value="Bit"', 'value="3000"', 'name="version" value="1"'):
        assert shown in page, shown
    assert len(re.findall(r'name="pick_up_days" type="checkbox" value="\d" checked', page)) == 2


def test_saved_as_shown_nothing_changes(browser, owner):
    drill = listings.get_item(
        factories.item(
            "Cordless drill", owner, units=2, parts={"Bit": 3}, fee=3000, value=5, pick_up_days=0b11, trusts=True,
            rules="Clean it.", audience=Audience.DISTRICT,
        ).id
    )  # fmt: skip
    before = schemas.as_typed(drill)
    assert change_of(browser, drill).status_code == 303
    db.session.expire_all()
    assert schemas.as_typed(only_item()) == {**before, "version": 2}


def test_who_saves_second_sees_the_first_one_s_words_and_may_keep_their_own(browser, owner):
    drill = listings.get_item(factories.item("Cordless drill", owner).id)
    change_of(browser, drill, title="Hammer drill", description="Saved first")
    db.session.expire_all()
    second = change_of(browser, listings.get_item(drill.id), title="Impact drill", version=1)

    assert second.status_code == 409
    assert "Saved first" in second.text
    assert 'value="Impact drill"' in second.text
    assert 'name="version" value="2"' in second.text
    assert change_of(browser, listings.get_item(drill.id), title="Impact drill", version=2).status_code == 303


def test_pictures_are_taken_off(browser, owner):
    drill = listings.get_item(factories.item("Cordless drill", owner).id)
    one, two = (factories.upload(owner, name, f"item:{drill.id}") for name in ("one.jpg", "two.jpg"))
    assert "Remove one.jpg" in browser.get(f"/items/{drill.id}/change").text
    change_of(browser, drill, drop=[str(one.id)])
    assert [upload.id for upload in of_subjects([f"item:{drill.id}"])[f"item:{drill.id}"]] == [two.id]


def test_pictures_of_something_else_are_not_taken_off(browser, owner):
    drill = listings.get_item(factories.item("Cordless drill", owner).id)
    other = factories.upload(subject=f"item:{factories.item('Ladder').id}")
    change_of(browser, drill, drop=[str(other.id)])
    assert db.session.get_one(Upload, other.id).subject is not None


# --- my things ---


def test_my_things_say_what_is_offered_and_what_waits(browser, owner):
    drill = factories.item("Cordless drill", owner, units=2)
    factories.item("Ladder", owner, paused_at=clock.now())
    factories.item("Old hammer", owner, withdrawn_at=clock.now())
    factories.item("Not mine")
    today = clock.today()
    db.session.execute(
        sa.text(
            "INSERT INTO loans (reference, item_id, borrower_id, first_day, last_day, quantity, state, message, reason,"
            " due_at, fee, deposit, asked_at, reminded, changed, version) VALUES ('REF', :item, :who, :day, :day, 1,"
            " 'requested', '', '', :now, 0, 0, :now, 0, 0, 1)"
        ).bindparams(sa.bindparam("day", type_=sa.Date), sa.bindparam("now", type_=db.UtcDateTime)),
        {"item": drill.id, "who": neighbour().id, "day": today, "now": clock.now()},
    )
    page = browser.get("/items/mine").text
    assert "Cordless drill" in page
    assert "2 pieces" in page
    assert f"1 × {LoanState.REQUESTED.words}" in page
    assert "Paused" in page
    assert "Old hammer" not in page
    assert "Not mine" not in page


def test_pause_resume_and_withdraw_by_button(browser, owner):
    drill = factories.item("Cordless drill", owner)
    browser.send(f"/items/{drill.id}/pause")
    assert "Offer again" in browser.get("/items/mine").text
    browser.send(f"/items/{drill.id}/resume")
    assert "Pause" in browser.get("/items/mine").text
    assert "lend it no more" in browser.get(f"/items/{drill.id}/withdraw").text.lower()
    browser.send(f"/items/{drill.id}/withdraw")
    assert "You lend nothing yet" in browser.get("/items/mine").text
    assert browser.send(f"/items/{drill.id}/resume").status_code == 409


def test_my_page_leads_to_my_things(browser, owner):
    assert 'href="/items/new"' in browser.get("/my").text
    drill = factories.item("Cordless drill", owner)
    page = browser.get("/my").text
    assert f'href="/items/{drill.id}/change"' in page
    assert 'href="/items/mine"' in page


# --- the place ---


def test_the_page_of_the_place_says_who_sees_what_and_moves_everything(browser, owner):
    drill = factories.item("Cordless drill", owner)
    factories.building("Hill School", point=geo.Point(37.59, 127.09))
    page = browser.get("/items/place").text
    for said in ("Riverside", "1 thing", "500 by 500 metres", "12 River Road, door 4", "is not kept"):
        assert said in page, said

    assert browser.send("/items/place", near="Hill School", address="4 Hill Lane").status_code == 303
    db.session.expire_all()
    assert listings.get_item(drill.id).cell == factories.place_of(owner).cell != drill.cell
    assert listings.address_of(factories.place_of(owner)) == "4 Hill Lane"
    here = factories.place_of(owner).cell
    browser.send("/items/place", address="5 Hill Lane")
    db.session.expire_all()
    assert factories.place_of(owner).cell == here, "without a new place the area stays"


def test_nobody_else_is_shown_the_address(browser, owner, app):
    drill = factories.item("Cordless drill", owner)
    other = app.test_client()
    factories.sign_in(other, neighbour())
    for path in (f"/items/{drill.id}", f"/items/{drill.id}/change", "/items/place", "/items/", "/items/mine"):
        assert "12 River Road" not in other.get(path).text, path


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_page_is_there_in_both_languages(browser, owner, language):
    drill = factories.item("Cordless drill", owner, parts={"Bit": 2})
    for path in ("new", "mine", "place", f"{drill.id}/change", f"{drill.id}/listed", f"{drill.id}/withdraw"):
        assert browser.get(f"/items/{path}?language={language}").status_code == 200, path
