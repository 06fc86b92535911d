"""Listing things: who may, what it takes, how many pieces, and what becomes of it."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.errors import NotConfirmed, Suspended
from marketplace.civic.places import queries as place_queries
from marketplace.civic.places.errors import NoSuchPlace, OutsideTheCity, SeveralPlaces
from marketplace.civic.uploads.models import Upload
from marketplace.civic.uploads.queries import of_subjects
from marketplace.kernel import clock, db, geo, occupancy, search, things
from marketplace.kernel.errors import Forbidden
from marketplace.kernel.occupancy import Kind
from marketplace.sharing.items import errors, policy
from marketplace.sharing.items.models.lending import Loan, LoanPiece, LoanState, days
from marketplace.sharing.items.models.listing import Audience, Condition, ItemUnit, UnitState
from marketplace.sharing.items.queries import listings, similar
from marketplace.sharing.items.service import forgetting, listing, places
from tests import factories
from tests.conftest import MONDAY
from tests.factories import neighbour

FACTS = {"category": "drills", "condition": Condition.GOOD}
FAR = geo.Point(37.59, 127.09)


@pytest.fixture
def owner():
    district = factories.district()
    made = neighbour("Minsu Lee", district=district)
    factories.pick_up_place(made)
    return made


def listed(owner, title="Cordless drill", **facts):
    return listing.add(owner, title=title, **{**FACTS, **facts})


def save(owner, item, **changes):
    """Save a thing as the page would, with some changes."""
    same = {name: getattr(item, name) for name in ("title", "category", "condition", "audience", "group_id")}
    parts = [(part.name, part.count) for part in item.accessories]
    now = {"version": item.version, "quantity": len(item.kept_units), "accessories": parts}
    return listing.change(owner, item, **{**same, **now, **changes})


def promised(item, unit, last=2, state=LoanState.ACCEPTED, out=False):
    """A piece promised to someone from today on."""
    first = clock.today()
    loan = Loan(
        item_id=item.id, borrower_id=neighbour().id, first_day=first, last_day=first + timedelta(last), state=state
    )
    db.session.add(loan)
    db.session.flush()
    held = occupancy.claim(unit.resource_id, days(loan.first_day, loan.last_day), kind=Kind.LOAN)
    db.session.add(LoanPiece(loan_id=loan.id, unit_id=unit.id, occupancy_id=held.id, is_out=out))
    db.session.flush()
    return loan


# --- listing ---


def test_a_thing_is_listed_at_its_owner_s_place_and_found_in_both_languages(owner):
    drill = listed(owner, description="By Bosch", quantity=3, accessories=[("Drill bit", 3), ("Charger", 1)])

    place = factories.place_of(owner)
    assert (drill.cell, drill.district_id) == (place.cell, place.district_id)
    assert [unit.number for unit in drill.units] == [1, 2, 3]
    assert len({unit.resource_id for unit in drill.units}) == 3
    assert [(part.name, part.count) for part in drill.accessories] == [("Drill bit", 3), ("Charger", 1)]
    for words in ("cordless", "bosch", "screwdrivers", "전동"):
        assert db.session.scalars(search.matching("item", words)).all() == [drill.id], words


def test_only_a_confirmed_address_lists(owner):
    owner.confirmed_at = None
    with pytest.raises(NotConfirmed):
        listed(owner)


def test_someone_suspended_lists_and_changes_nothing(owner):
    drill = listed(owner)
    owner.suspended_until = clock.now() + timedelta(days=1)
    for act in (lambda: listed(owner), lambda: save(owner, drill), lambda: listing.pause(owner, drill)):
        with pytest.raises(Suspended):
            act()


def test_a_thing_needs_a_place_to_be_fetched_at():
    with pytest.raises(errors.NoPlaceYet):
        listed(neighbour())


def test_nobody_lists_more_than_the_most(owner, monkeypatch):
    monkeypatch.setattr(listing, "MOST_LISTED", 1)
    drill = listed(owner)
    with pytest.raises(errors.TooManyItems):
        listed(owner, "Ladder")
    listing.withdraw(owner, drill)
    listed(owner, "Ladder")


def test_listing_and_withdrawing_all_day_has_an_end(owner, monkeypatch, monday):
    monkeypatch.setattr(listing, "MOST_A_DAY", 1)
    listing.withdraw(owner, listed(owner))
    with pytest.raises(errors.TooManyListedToday):
        listed(owner, "Ladder")
    monday(MONDAY + timedelta(days=1, seconds=1))
    listed(owner, "Ladder")


def test_things_are_lent_to_own_groups_only(owner):
    mine, other = factories.group(by=owner), factories.group("Chess club")
    only = listed(owner, audience=Audience.GROUP, group_id=mine.id)
    assert only.group.title == mine.title
    with pytest.raises(errors.NotYourGroup):
        listed(owner, "Ladder", audience=Audience.GROUP, group_id=other.id)


def test_a_place_in_no_district_cannot_be_lent_to_the_same_district():
    nowhere = neighbour()
    factories.pick_up_place(nowhere, geo.Point(10.0, 10.0))
    with pytest.raises(errors.NoDistrict):
        listed(nowhere, audience=Audience.DISTRICT)


def test_much_the_same_name_is_asked_about_once(owner):
    listed(owner, "Bosch cordless drill")
    with pytest.raises(errors.ListedAlready):
        listed(owner, "Cordless drill Bosch 18V", sure=False)
    listed(owner, "Step ladder", sure=False)
    listed(owner, "Cordless drill Bosch 18V", sure=True)


# --- changing ---


def test_the_second_of_two_who_edit_sees_both_versions(owner):
    drill = listed(owner)
    shown = drill.version
    save(owner, drill, title="Hammer drill")
    with pytest.raises(errors.ChangedMeanwhile):
        save(owner, drill, version=shown, title="Impact drill")
    assert listings.get_item(drill.id).title == "Hammer drill"


def test_changing_only_the_accessories_makes_a_new_version_too(owner):
    drill = listed(owner)
    again = save(owner, drill, version=drill.version, accessories=[("Charger", 1)])
    assert again.version == 2


def test_changed_words_are_found_and_old_ones_no_longer(owner):
    drill = listed(owner, "Hammer")
    save(owner, drill, title="Ladder", category="step-ladders")
    assert db.session.scalars(search.matching("item", "ladder")).all() == [drill.id]
    assert db.session.scalars(search.matching("item", "hammer")).all() == []


def test_only_its_owner_changes_a_thing(owner):
    drill = listed(owner)
    stranger = neighbour()
    for act in (
        lambda: save(stranger, drill),
        lambda: listing.pause(stranger, drill),
        lambda: listing.withdraw(stranger, drill),
    ):
        with pytest.raises(Forbidden):
            act()


def test_pieces_come_and_go_and_keep_their_numbers(owner):
    chairs = listed(owner, "Chairs", quantity=2)
    resources = {unit.number: unit.resource_id for unit in chairs.units}
    fewer = save(owner, chairs, quantity=1)
    assert [unit.number for unit in fewer.kept_units] == [1]
    more = save(owner, fewer, quantity=4)
    assert [unit.number for unit in more.kept_units] == [1, 2, 3, 4]
    assert {unit.number: unit.resource_id for unit in more.units}.items() >= resources.items()


def test_a_promised_piece_stays_and_the_refusal_says_until_when(owner):
    chairs = listed(owner, "Chairs", quantity=3)
    promised(chairs, chairs.units[2], last=2)
    promised(chairs, chairs.units[1], last=4)
    with pytest.raises(errors.PiecesPromised) as refusal:
        save(owner, chairs, quantity=1)
    assert str(refusal.value.sentence).startswith("2 pieces are promised to someone, the last one until Fri")
    fewer = save(owner, listings.get_item(chairs.id), quantity=2)
    assert [unit.number for unit in fewer.kept_units] == [2, 3], "the free one goes"


def test_a_piece_that_is_out_too_long_is_not_free(owner):
    chairs = listed(owner, "Chairs", quantity=2)
    promised(chairs, chairs.units[0], last=0, state=LoanState.OUT, out=True)
    promised(chairs, chairs.units[1], last=4)
    with pytest.raises(errors.PiecesPromised) as refusal:
        save(owner, chairs, quantity=1)
    assert refusal.value.details["count"] == 2


# --- pausing and withdrawing ---


def test_what_is_paused_is_found_by_its_owner_alone(owner):
    drill = listed(owner)
    listing.pause(owner, drill)
    paused = listings.get_item(drill.id)
    assert [policy.may_find(who, paused) for who in (None, neighbour(), owner)] == [False, False, True]
    listing.resume(owner, paused)
    assert policy.may_find(None, listings.get_item(drill.id))


@pytest.mark.parametrize("state", [LoanState.REQUESTED, LoanState.ACCEPTED, LoanState.OUT])
def test_nothing_is_withdrawn_while_a_loan_goes_on(owner, state):
    drill = listed(owner)
    loan = promised(drill, drill.units[0])
    loan.state, loan.due_at = state, clock.now()
    with pytest.raises(errors.LoansGoOn) as refusal:
        listing.withdraw(owner, drill)
    assert loan.reference in str(refusal.value.sentence)


def test_what_is_withdrawn_is_gone_for_good(owner):
    drill = listed(owner)
    factories.upload(owner, subject=f"item:{drill.id}")
    listing.withdraw(owner, drill)

    assert not db.session.scalars(search.matching("item", "drill")).all()
    assert not of_subjects([f"item:{drill.id}"])[f"item:{drill.id}"]
    assert {unit.state for unit in listings.get_item(drill.id).units} == {UnitState.GONE}
    assert things.find(f"item:{drill.id}"), "loans that are over keep naming it"
    for act in (lambda: listing.resume(owner, drill), lambda: save(owner, drill)):
        with pytest.raises(errors.NoLongerListed):
            act()


def test_moderators_take_a_thing_out_of_sight(owner):
    drill = listed(owner)
    thing = things.seen(neighbour(), f"item:{drill.id}")
    assert "Cordless drill" in thing.text
    assert thing.kind.hide
    thing.kind.hide(thing.record, True)
    hidden = things.find(f"item:{drill.id}")
    assert hidden
    assert not hidden.seen_by(neighbour())
    assert hidden.seen_by(owner)


# --- places ---


def test_no_point_is_kept_but_its_area(owner):
    point = geo.Point(37.551234, 127.041234)
    places.save(owner, point, "12 River Road")
    rows = [repr(row) for row in db.session.execute(sa.text("SELECT * FROM pick_up_places"))]
    assert not any("37.55" in row or "127.04" in row or "River" in row for row in rows)
    assert listings.address_of(factories.place_of(owner)) == "12 River Road"


def test_moving_moves_every_thing_that_is_lent(owner):
    far = factories.district("Hillside", "언덕구", west=127.1, south=37.5)
    drill, gone = listed(owner), listed(owner, "Ladder")
    listing.withdraw(owner, gone)
    before = gone.cell
    places.save(owner, geo.Point(37.55, 127.15), "")
    moved = listings.get_item(drill.id)
    assert (moved.cell, moved.district_id) == (factories.place_of(owner).cell, far.id)
    assert listings.get_item(gone.id).cell == before


def test_two_homes_of_one_area_are_in_one_district_though_the_border_runs_between_them(owner):
    factories.district("Hillside", "언덕구", west=127.1, south=37.5)
    homes = [geo.Point(37.55, 127.0999), geo.Point(37.55, 127.1001)]
    said = set()
    for home in homes:
        someone = neighbour()
        place = places.save(someone, home)
        said.add((place.cell, place.district_id))
    assert len(said) == 1


def test_a_place_outside_the_city_is_refused(owner):
    with pytest.raises(OutsideTheCity):
        places.save(owner, geo.Point(10.0, 10.0))


def test_a_place_is_named_by_a_public_building():
    library = factories.building("Riverside Library", point=factories.NEAR_THE_RIVER)
    factories.building("Riverside Library Annex", point=FAR)
    assert place_queries.point_of("riverside library", None, None) == library.point
    assert place_queries.point_of("", 37.5, 127.0) == geo.Point(37.5, 127.0)
    assert place_queries.point_of("", None, None) is None
    with pytest.raises(NoSuchPlace):
        place_queries.point_of("Opera", None, None)
    with pytest.raises(SeveralPlaces) as refusal:
        place_queries.point_of("Riverside", None, None)
    assert "Riverside Library Annex" in str(refusal.value.sentence)


def test_a_place_is_taken_back_once_nothing_is_lent_there(owner):
    drill = listed(owner)
    with pytest.raises(errors.StillListed):
        places.take_back(owner)
    listing.withdraw(owner, drill)
    places.take_back(owner)
    assert listings.place_of(owner) is None


# --- hints ---


def test_titles_are_alike_by_the_words_they_share():
    assert similar.likeness("Cordless drill", "cordless DRILL") == 1
    assert similar.likeness("Cordless drill", "Drill") == 0.5
    assert similar.likeness("전동 드릴", "전동드릴") > 0.5
    assert similar.likeness("Ladder", "Drill") == 0
    assert similar.likeness("", "Drill") == 0


def test_much_the_same_nearby_is_shown_and_what_is_elsewhere_or_paused_is_not(owner):
    near = factories.item("Cordless drill", category="other")
    factories.item("Cordless drill", paused_at=clock.now())
    factories.item("Step ladder")
    factories.district("Hillside", "언덕구", west=127.1, south=37.5)
    factories.item("Cordless drill", point=geo.Point(37.55, 127.15))
    assert similar.nearby_like(listed(owner)) == [near]


def look(item, by, bits):
    made = factories.upload(by, subject=f"item:{item.id}")
    db.session.execute(sa.update(Upload).where(Upload.id == made.id).values(look=bits))


def test_pictures_that_look_the_same_are_pointed_out_to_both_owners(owner):
    mine, again, other, hidden = (listed(owner, title) for title in ("Drill", "Bosch", "Makita", "Hilti"))
    someone = neighbour()
    neighbour_s = factories.item("Their drill", someone)
    paused = factories.item("Their paused drill", someone, paused_at=clock.now())
    look(mine, owner, -1)
    look(again, owner, -1 ^ 0b111111)
    look(other, owner, -1 ^ 0b1111111)
    look(hidden, owner, 12)
    look(neighbour_s, someone, -1)
    look(paused, someone, -1)

    found = similar.same_pictures([mine, hidden])

    assert [one.title for one in found[mine.id]] == ["Bosch", "Their drill"]
    assert found[hidden.id] == []
    assert [one.title for one in similar.same_pictures([mine], owner)[mine.id]] == ["Bosch"], "among one's own"


def test_hints_and_lists_ask_the_database_the_same_number_of_questions_however_much_there_is(owner, statements):
    def asked():
        db.session.expire_all()
        with statements() as seen:
            shown = db.session.scalars(listings.listed_by(owner)).unique().all()
            listings.loans_by_state([item.id for item in shown])
            similar.same_pictures(shown)
            similar.own_like(owner, "Drill")
            similar.nearby_like(shown[0])
        return len(seen)

    for title in ("Drill", "Another drill"):
        look(listed(owner, title), owner, -1)
    few = asked()
    for number in range(6):
        look(listed(owner, f"Drill {number}", quantity=2, accessories=[("Bit", 2)]), owner, -1)
    assert asked() == few


# --- forgetting ---


def test_a_year_after_it_was_withdrawn_its_words_and_area_are_gone(owner, monday):
    drill = listed(owner, description="From my grandfather", accessories=[("Case", 1)])
    listing.withdraw(owner, drill)
    monday(MONDAY + timedelta(days=366))
    forgetting.thin_things()
    db.session.expire_all()
    old = listings.get_item(drill.id)
    assert (old.description, old.cell, old.accessories) == ("", forgetting.NOWHERE, [])
    assert "Drills" in old.title
    assert "드릴" in old.title


def test_pieces_are_numbered_once_each(owner):
    drill = listed(owner)
    double = ItemUnit(item_id=drill.id, resource_id=occupancy.add_resource().id, number=1)
    db.session.add(double)
    with pytest.raises(sa.exc.IntegrityError, match="item_units"):
        db.session.flush()
