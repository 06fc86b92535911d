"""Public buildings: found, shown with what is known and what is not, corrected by those who run them."""

from uuid import uuid4

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts import service as accounts
from marketplace.civic.accounts.models import Person, Role, RoleGrant
from marketplace.civic.places import queries, service
from marketplace.civic.places.errors import ChangedMeanwhile
from marketplace.civic.places.models import Building
from marketplace.kernel import audit, db, geo, hooks, words
from marketplace.kernel.errors import Forbidden, NotFound
from tests.factories import building, district

HERE = geo.Point(37.55, 127.05)


def person(*roles: RoleGrant) -> Person:
    made = Person(name="Kim Minji", email=f"{uuid4().hex}@example.org", password_hash="x", grants=list(roles))
    db.session.add(made)
    db.session.flush()
    return made


def manager(of: Building) -> Person:
    return person(RoleGrant(role=Role.MANAGER, building_id=of.id))


def administrator() -> Person:
    return person(RoleGrant(role=Role.ADMINISTRATOR))


@pytest.fixture
def as_person(browser):
    """The browser of someone signed in."""

    def sign_in(who: Person):
        accounts.open_session(who, "test")
        with browser.session_transaction() as session:
            session["_user_id"], session["_fresh"] = who.session_token, True
        return browser

    return sign_in


# --- saving ---


def test_saving_a_building_again_updates_it_and_leaves_what_is_not_given():
    first = service.save_building("S-1", "도서관", point=HERE, phone="02-330-8483", step_free=True)
    version = first.version

    again = service.save_building("S-1", "도서관", phone="02-330-8483")
    assert (again.id, again.version) == (first.id, version)

    moved = service.save_building("S-1", "새 도서관", point=geo.Point(37.56, 127.06), name_en="New Library")
    db.session.expire_all()
    found = queries.get_building(moved.id)
    assert (found.name, found.title, found.step_free) == ("새 도서관", "New Library", True)
    assert found.point == geo.Point(37.56, 127.06)
    assert found.version > version


def test_a_building_speaks_the_readers_language():
    made = service.save_building("S-1", "도서관", name_en="Library")

    assert made.title == "Library"
    words.language.set("ko")
    assert made.title == "도서관"


@pytest.mark.parametrize(
    ("phone", "dial"),
    [("02-330-8483", "023308483"), ("+82 2 330 8483", "+8223308483"), ("02-330-8483, 8484", "023308483"),
     ("문의", ""), ("", "")],
)  # fmt: skip
def test_the_first_telephone_number_can_be_dialled(phone, dial):
    assert building(phone=phone).dial == dial


@pytest.mark.parametrize(("homepage", "safe"), [("https://x.kr/a", True), ("javascript:alert(1)", False), ("", False)])
def test_only_a_web_address_is_a_link(homepage, safe):
    assert building(homepage=homepage).homepage_is_link is safe


# --- finding ---


def test_buildings_are_found_by_district_and_words():
    riverside, hillside = district(), district("Hillside", "산들구", west=127.1)
    library = building("강변 도서관", name_en="Riverside Library", point=HERE)
    gym = building("체육관", name_en="Gym", point=geo.Point(37.55, 127.15), road_address="산들로 12")

    def found(district_id=None, words=""):
        assert queries.count_buildings(district_id, words) == len(queries.buildings(district_id, words))
        return {of.id for of in queries.buildings(district_id, words)}

    assert found() == {library.id, gym.id}
    assert found(riverside.id) == {library.id}
    assert found(words="도서관") == {library.id}
    assert found(words="산들로") == {gym.id}
    assert found(words="hillside") == {gym.id}
    assert found(hillside.id, "도서관") == set()


def test_what_is_near_comes_nearest_first():
    far, close = building(point=geo.Point(37.56, 127.05)), building(point=geo.Point(37.551, 127.05))
    building(point=geo.Point(38.5, 127.05))
    building()

    (first, metres), (second, _) = queries.near(HERE, 2_000)

    assert (first.id, second.id) == (close.id, far.id)
    assert metres == pytest.approx(111.2, abs=1)


def test_a_building_becomes_a_feature_only_if_its_place_is_known():
    where = district()
    shown = queries.building_feature(queries.get_building(building("도서관", point=HERE, lift=True).id))

    assert shown is not None
    assert shown.geometry == HERE
    assert shown.properties["district"] == where.code
    assert (shown.properties["lift"], shown.properties["step_free"]) == (True, None)
    assert queries.building_feature(queries.get_building(building().id)) is None


def test_a_building_that_is_not_there_is_not_found():
    with pytest.raises(NotFound):
        queries.get_building(7)


# --- pages ---


def test_the_list_shows_what_is_asked_for(browser):
    where = district()
    building("강변 도서관", name_en="Riverside Library", point=HERE, step_free=True)
    building("산들 체육관")

    everything = browser.get("/buildings/").text
    assert "Riverside Library" in everything
    assert "산들 체육관" in everything
    assert "<svg" in everything
    assert "Step-free" in everything
    assert "산들 체육관" not in browser.get(f"/buildings/?district={where.code}").text
    assert "No building found" in browser.get("/buildings/?words=nowhere").text


@pytest.mark.parametrize(
    ("query", "status"),
    [("", 200), ("?words=%27%22*)(", 200), ("?words=%00", 422), ("?district=none", 422),
     ("?words=" + "x" * 201, 422), ("?page=99", 404), ("?page=-1", 404)],
)  # fmt: skip
def test_odd_questions_get_clear_answers(browser, query, status):
    building()

    assert browser.get(f"/buildings/{query}").status_code == status


def test_a_city_without_districts_or_points_has_a_list_without_a_map(browser):
    building("도서관")

    assert '<svg class="map__picture' not in browser.get("/buildings/").text


def test_a_long_list_costs_as_many_statements_as_a_short_one(browser, statements):
    def cost(path: str) -> int:
        browser.get(path)
        db.session.expire_all()
        with statements() as seen:
            assert browser.get(path).status_code == 200
        return len(seen)

    district()
    one = building(point=HERE)
    few, page = cost("/buildings/"), cost(f"/buildings/{one.id}")
    for number in range(30):
        building(f"Room {number}", point=HERE)
        if number < 5:
            district(west=120 + number)

    assert cost("/buildings/") == few <= 4
    assert cost(f"/buildings/{one.id}") == page


def test_the_page_says_what_is_not_known(browser):
    made = building("도서관", point=HERE, step_free=True, lift=False, phone="02-330-8483", about="<b>One</b>\n\nTwo")

    text = browser.get(f"/buildings/{made.id}").text

    assert "The entrance is step-free." in text
    assert "There is no lift." in text
    assert "Whether there is an accessible toilet is not known." in text
    assert "Please ask at 02-330-8483" in text
    assert 'href="tel:023308483"' in text
    assert "&lt;b&gt;One&lt;/b&gt;" in text
    assert "Correct these facts" not in text


def test_features_put_their_offers_on_the_page(browser, monkeypatch):
    monkeypatch.setattr(
        hooks.building_contents, "_answerers", [lambda of: ("Rooms", [("Hall", f"/hall-of-{of.id}")]), lambda _: None]
    )
    made = building()

    assert f'href="/hall-of-{made.id}"' in browser.get(f"/buildings/{made.id}").text


# --- correcting ---

ANSWERS = {"step_free": "yes", "lift": "no", "accessible_toilet": "unknown", "hearing_loop": "unknown", "phone": "02-1"}


def test_a_manager_corrects_the_facts_and_it_is_on_record(as_person):
    made = building(step_free=None, about="Old")
    browser = as_person(manager(made))
    assert "Correct these facts" in browser.get(f"/buildings/{made.id}").text
    assert 'value="unknown" checked' in browser.get(f"/buildings/{made.id}/edit").text

    answer = browser.send(f"/buildings/{made.id}/edit", version=made.version, **ANSWERS, about="New")

    assert answer.status_code == 303
    saved = queries.get_building(made.id)
    assert (saved.step_free, saved.lift, saved.hearing_loop, saved.phone, saved.about) == (
        True,
        False,
        None,
        "02-1",
        "New",
    )
    entry = db.session.scalars(sa.select(audit.AuditEntry)).one()
    assert (entry.action, entry.subject) == ("places.edit_building", f"building:{made.id}")
    assert entry.detail["before"] == {"step_free": None, "lift": None, "phone": "", "about": "Old"}


def test_the_second_editor_sees_both_versions_and_may_then_save(as_person):
    made = building(about="As it was")
    browser = as_person(manager(made))
    shown = made.version
    service.edit_building(administrator(), queries.get_building(made.id), version=shown, about="By the administrator")

    clash = browser.send(f"/buildings/{made.id}/edit", version=shown, **ANSWERS, about="By the manager")

    assert clash.status_code == 409
    assert "By the administrator" in clash.text
    assert "By the manager" in clash.text
    now = queries.get_building(made.id)
    assert now.about == "By the administrator"
    assert f'name="version" value="{now.version}"' in clash.text
    assert browser.send(f"/buildings/{made.id}/edit", version=now.version, **ANSWERS, about="Both").status_code == 303


def test_a_mistake_in_the_form_does_not_hide_that_someone_else_saved(as_person):
    made = building()
    browser = as_person(manager(made))
    shown = made.version
    service.edit_building(administrator(), queries.get_building(made.id), version=shown, phone="02-2")

    wrong = browser.send(f"/buildings/{made.id}/edit", version=shown, **{**ANSWERS, "lift": "perhaps"})

    assert wrong.status_code == 422
    assert "Answer yes, no or not known." in wrong.text
    assert f'name="version" value="{shown}"' in wrong.text


def test_two_who_save_in_the_same_instant_do_not_overwrite_each_other():
    made = building()
    db.session.flush()
    db.session.execute(sa.text("UPDATE buildings SET version = version + 1"))  # unseen by this session

    with pytest.raises(ChangedMeanwhile):
        service.edit_building(administrator(), made, version=made.version, about="Mine")


@pytest.mark.parametrize("field", ["phone", "about"])
def test_too_much_text_is_refused_beside_the_field(as_person, field):
    made = building()

    answer = as_person(manager(made)).send(
        f"/buildings/{made.id}/edit", version=made.version, **{**ANSWERS, field: "x" * 9_000}
    )

    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text


def test_others_may_not_correct_the_facts(as_person, browser):
    made, other = building(), building()
    path = f"/buildings/{made.id}/edit"

    assert browser.get(path).status_code == 303  # to sign in
    assert as_person(person()).get(path).status_code == 404
    assert as_person(manager(other)).get(path).status_code == 403
    assert as_person(administrator()).get(path).status_code == 200
    with pytest.raises(Forbidden):
        service.edit_building(manager(other), made, version=made.version, about="Mine")
