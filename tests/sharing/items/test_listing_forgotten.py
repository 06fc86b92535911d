"""Who lends things and leaves: nothing of what they said is left, and their things are lent no more."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.civic.privacy.service import erasure
from marketplace.civic.uploads.models import Upload
from marketplace.kernel import clock, db, hooks, jobs
from marketplace.sharing.items.models.lending import Loan, LoanState
from marketplace.sharing.items.models.listing import Condition, Item, PickUpPlace
from marketplace.sharing.items.queries import listings
from marketplace.sharing.items.service import forgetting, listing, places
from tests import factories
from tests.civic.privacy.canaries import Canaries, dumped, files_below
from tests.conftest import MONDAY


@pytest.fixture
def canaries():
    return Canaries()


def lending(canaries: Canaries, name: str = "Emily Han") -> tuple[Person, Item]:
    """Someone who says something in every field of a thing and of its place."""
    said = canaries.new
    owner = factories.neighbour(name)
    places.save(owner, factories.NEAR_THE_RIVER, said("address"))
    drill = listing.add(
        owner,
        title=said("title"), description=said("description"), rules=said("rules"), pick_up_note=said("note"),
        category="drills", condition=Condition.GOOD, accessories=[(said("accessory"), 2)],
        pictures=[factories.upload(owner, f"{said('picture')}.jpg").id],
    )  # fmt: skip
    return owner, drill


def lent_before(drill: Item) -> Loan:
    """A loan of it that is over."""
    today = clock.today()
    over = Loan(
        item_id=drill.id, borrower_id=factories.neighbour().id, first_day=today, last_day=today, state=LoanState.CLOSED
    )
    db.session.add(over)
    db.session.flush()
    return over


def leave(owner: Person, monday) -> None:
    erasure.ask(owner, understood=True)
    db.session.commit()
    jobs.run_pending()
    monday(MONDAY + timedelta(days=7))
    erasure.queue_due()
    db.session.commit()
    jobs.run_pending()
    db.session.expire_all()


def test_nothing_an_owner_said_is_left_once_they_are_erased(canaries, monday, settings):
    owner, drill = lending(canaries)
    over = lent_before(drill)
    assert canaries.found_in(dumped()) >= {"title", "description", "rules", "note", "accessory", "picture"}

    leave(owner, monday)

    assert db.session.get_one(Person, owner.id).erased_at is not None
    assert canaries.found_in(dumped()) == set()
    assert canaries.found_in(files_below(settings.data_dir / "files")) == set()
    gone = listings.get_item(drill.id)
    assert (gone.withdrawn_at is not None, gone.cell) == (True, forgetting.NOWHERE)
    assert "Drills" in gone.title, "the borrower's record still says what sort of thing it was"
    assert db.session.get_one(Loan, over.id).item_id == drill.id
    assert not db.session.scalars(sa.select(PickUpPlace)).all()
    assert not db.session.scalars(sa.select(Upload)).all()


def test_from_the_day_someone_asks_to_leave_nobody_finds_their_things(canaries):
    owner, drill = lending(canaries)
    erasure.ask(owner, understood=True)
    assert not listings.get_item(drill.id).offered
    erasure.stay(owner)
    listing.resume(owner, listings.get_item(drill.id))
    assert listings.get_item(drill.id).offered


def test_the_things_of_others_stay(canaries, monday):
    owner, _drill = lending(canaries)
    other = factories.item("Step ladder", parts={"Hook": 1})
    leave(owner, monday)
    kept = listings.get_item(other.id)
    assert (kept.title, kept.offered, [part.name for part in kept.accessories]) == ("Step ladder", True, ["Hook"])


def test_the_copy_of_one_s_data_holds_the_things_and_the_address(canaries):
    owner, _drill = lending(canaries)
    told = [
        str(dict(row))
        for answer in hooks.personal_data.ask(owner)
        for one in (answer if isinstance(answer, list) else [answer])
        for row in one.rows
    ]
    assert canaries.found_in(told) == set(canaries.given.values())
    assert not any(str(factories.NEAR_THE_RIVER.latitude) in row and "area" in row for row in told)
