"""Listing things: what is lent, in how many pieces, and how long."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.civic.accounts.policy import expect_may_act
from marketplace.civic.accounts.queries import one_at_a_time
from marketplace.civic.groups import queries as groups
from marketplace.civic.uploads import service as uploads
from marketplace.kernel import audit, clock, db, occupancy, search, things
from marketplace.kernel.access import permit
from marketplace.kernel.references import new_reference
from marketplace.kernel.writing import show_list
from marketplace.sharing.items import errors, policy
from marketplace.sharing.items.models.listing import Accessory, Audience, Item, ItemUnit, UnitState
from marketplace.sharing.items.queries import listings, similar
from marketplace.sharing.items.service import searches

MOST_LISTED, MOST_A_DAY = 100, 30
MOST_PICTURES = 5

Parts = Sequence[tuple[str, int]]
"""What goes along with a thing: names, and how many of each."""


# --- listing ---


def add(
    owner: Person,
    *,
    quantity: int = 1,
    accessories: Parts = (),
    pictures: Collection[int] = (),
    sure: bool = True,
    **terms: Any,
) -> Item:
    """Offer a neighbour's thing, in so many identical pieces, to be fetched at their pick-up place.

    sure   whether the owner means it although they already list something of much the same name.
    Raises NoPlaceYet, TooManyItems, TooManyListedToday, NotYourGroup, NoDistrict or ListedAlready; and Suspended or
    NotConfirmed of an account.
    """
    expect_may_act(owner)
    one_at_a_time(owner.id)
    _expect_room(owner)
    if (place := listings.place_of(owner)) is None:
        raise errors.NoPlaceYet(field="near")
    item = Item(owner_id=owner.id, cell=place.cell, district_id=place.district_id, **terms)
    _expect_audience(owner, item)
    if not sure and (alike := similar.own_like(owner, item.title)):
        raise errors.ListedAlready(titles=show_list(one.title for one in alike[:3]), alike=alike)
    put(item, quantity, accessories)
    uploads.attach(owner, pictures, subject(item), most=MOST_PICTURES)
    audit.record(owner.id, "items.listed", subject(item))
    return listings.get_item(item.id)


def put(item: Item, quantity: int, accessories: Parts = ()) -> None:
    """Write a new thing down with its pieces and accessories, and have it found."""
    db.session.add(item)
    db.session.flush()
    db.session.add_all(_piece(item, number) for number in range(1, quantity + 1))
    db.session.add_all(accessories_of(accessories, item.id))
    db.session.flush()
    search.index(listings.SEARCH_KIND, item.id, listings.words_of(item))
    searches.note_new(item.id)


def change(
    person: Person,
    item: Item,
    *,
    version: int,
    quantity: int,
    accessories: Parts = (),
    pictures: Collection[int] = (),
    drop: Collection[int] = (),
    **terms: Any,
) -> Item:
    """Change what is said of a thing, its terms, pieces, accessories and pictures.

    drop   ids of the pictures to take off.
    Raises ChangedMeanwhile if it is no longer the version that was shown, PiecesPromised, and what `add` raises.
    """
    item = _own(person, item)
    if item.version != version:
        raise errors.ChangedMeanwhile
    sa.orm.attributes.flag_modified(item, "title")  # a new version, whatever is changed
    before = (item.audience, item.group_id)
    changed = sorted(name for name, value in terms.items() if getattr(item, name) != value)
    for name in changed:
        setattr(item, name, terms[name])
    if (item.audience, item.group_id) != before:
        _expect_audience(person, item)
    _bring_to(item, quantity)
    if list(accessories) != [(part.name, part.count) for part in item.accessories]:
        item.accessories = accessories_of(accessories)
    uploads.detach(subject(item), drop)
    uploads.attach(person, pictures, subject(item), most=MOST_PICTURES)
    db.session.flush()
    search.index(listings.SEARCH_KIND, item.id, listings.words_of(item))
    audit.record(person.id, "items.changed", subject(item), fields=changed)
    db.session.expire(item)  # so that new pieces are seen
    return listings.get_item(item.id)


def pause(person: Person, item: Item) -> None:
    """Offer it to nobody new for a while; what is agreed stays agreed."""
    item = _own(person, item)
    item.paused_at = item.paused_at or clock.now()
    db.session.flush()


def resume(person: Person, item: Item) -> None:
    """Offer it again."""
    item = _own(person, item)
    if item.paused_at is not None:
        searches.note_new(item.id)
    item.paused_at = None
    db.session.flush()


def withdraw(person: Person, item: Item) -> None:
    """Lend it no more. Raises LoansGoOn, which says which, while someone has it, is promised it or asked for it."""
    item = _own(person, item)
    if going_on := listings.loans_going_on(item):
        raise errors.LoansGoOn(loans=show_list(loan.reference for loan in going_on), going_on=going_on)
    item.withdrawn_at = clock.now()
    for unit in item.units:
        unit.state = UnitState.GONE
    db.session.flush()
    search.forget(listings.SEARCH_KIND, item.id)
    uploads.detach(subject(item))
    audit.record(person.id, "items.withdrawn", subject(item))


def keep_out_of_sight(item: Item, hidden: bool) -> None:
    """Take a thing off the search, or show it again, because moderators say so; what is promised stays promised."""
    item.hidden_at = (item.hidden_at or clock.now()) if hidden else None
    db.session.flush()


def subject(item: Item) -> str:
    """What its pictures are attached to, and the record keeps."""
    return things.subject("item", item.id)


# --- rules ---


def _own(person: Person, item: Item) -> Item:
    """The thing as it is now, which stays so until the transaction ends. Raises NoLongerListed or Forbidden."""
    permit(policy.may_edit, person, item)
    expect_may_act(person)
    item = listings.get_item(item.id, lock=True)
    if item.withdrawn_at is not None:
        raise errors.NoLongerListed
    return item


def _expect_room(owner: Person) -> None:
    if listings.count_listed(owner) >= MOST_LISTED:
        raise errors.TooManyItems(most=MOST_LISTED)
    if listings.count_listed_since(owner, clock.now() - timedelta(days=1)) >= MOST_A_DAY:
        raise errors.TooManyListedToday(most=MOST_A_DAY)


def _expect_audience(person: Person, item: Item) -> None:
    if item.audience is Audience.DISTRICT and item.district_id is None:
        raise errors.NoDistrict(field="audience")
    if item.audience is Audience.GROUP and item.group_id not in {one.id for one in own_groups(person)}:
        raise errors.NotYourGroup(field="audience")


def own_groups(person: Person) -> list[Any]:
    """The groups to whose members a person may lend: those the person belongs to."""
    return [one.group for one in groups.groups_of(person) if one.group.is_open and not one.group.hidden]


# --- pieces and accessories ---


def _bring_to(item: Item, quantity: int) -> None:
    """Have so many pieces: numbers that were taken away come back first, the highest go first."""
    kept = [unit for unit in item.units if unit.state is not UnitState.GONE]
    gone = [unit for unit in item.units if unit.state is UnitState.GONE]
    missing = quantity - len(kept)
    for unit in gone[: max(missing, 0)]:
        unit.state = UnitState.READY
    more_pieces(item, missing - len(gone))
    if missing < 0:
        _take_away(item, kept, -missing)


def _take_away(item: Item, kept: Sequence[ItemUnit], many: int) -> None:
    promised = listings.promised(item)
    free = [unit for unit in reversed(kept) if unit.id not in promised]
    if len(free) < many:
        raise errors.PiecesPromised(count=len(promised), until=max(promised.values()), field="quantity")
    for unit in free[:many]:
        unit.state = UnitState.GONE


def more_pieces(item: Item, many: int) -> list[ItemUnit]:
    """So many new pieces, numbered on; needs `units`."""
    last = max((unit.number for unit in item.units), default=0)
    made = [_piece(item, last + number) for number in range(1, many + 1)]
    db.session.add_all(made)
    return made


def _piece(item: Item, number: int) -> ItemUnit:
    code = new_reference() if item.library_id else None
    return ItemUnit(item_id=item.id, resource_id=occupancy.add_resource().id, number=number, code=code)


def accessories_of(parts: Parts, item_id: int | None = None) -> list[Accessory]:
    return [
        Accessory(item_id=item_id, position=position, name=name, count=count)
        for position, (name, count) in enumerate(parts, 1)
    ]
