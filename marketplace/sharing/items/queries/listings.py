"""Things with all that pages and rules ask of them."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import attributes, joinedload, selectinload
from sqlalchemy.orm.strategy_options import _AbstractLoad as Load

from marketplace.civic.accounts.models import Person
from marketplace.civic.groups.models import Group, GroupMember
from marketplace.civic.places.models import Building
from marketplace.kernel import clock, db, vault
from marketplace.kernel.errors import NotFound
from marketplace.kernel.occupancy import Occupancy
from marketplace.sharing.items.models import categories
from marketplace.sharing.items.models.lending import GOING_ON, Loan, LoanPiece, LoanState
from marketplace.sharing.items.models.listing import Accessory, Item, ItemUnit, Library, PickUpPlace

SEARCH_KIND = "item"
SECOND = timedelta(seconds=1)


def everything() -> tuple[Load, ...]:
    """What is read along with a thing, also where it is part of a loan."""
    library = joinedload(Item.library).options(
        joinedload(Library.building).options(joinedload(Building.district), joinedload(Building.location)),
        joinedload(Library.group).options(selectinload(Group.officers).joinedload(GroupMember.person)),
        selectinload(Library.hours),
        selectinload(Library.managing),
    )
    own = (joinedload(Item.owner), joinedload(Item.group), joinedload(Item.district))
    return *own, library, selectinload(Item.units), selectinload(Item.accessories)


def whole(query: sa.Select[Item]) -> sa.Select[Item]:
    """Things with everything that pages and rules ask of them, in a constant number of statements."""
    return query.options(*everything())


def get_item(item_id: int, *, lock: bool = False) -> Item:
    """A thing; locked, its pieces and what is promised of it stay what they are for others. Raises NotFound."""
    if lock:
        _lock(item_id)
        _read_anew(item_id)
    item = db.session.scalar(whole(sa.select(Item).where(Item.id == item_id)))
    if item is None:
        raise NotFound
    return item


def hold_still(item: Item) -> None:
    """Have nobody take pieces of a thing away until the transaction ends; those taken until now are seen as gone.

    Needs `units`.
    """
    _lock(item.id)
    states = dict(db.rows(sa.select(ItemUnit.id, ItemUnit.state).where(ItemUnit.item_id == item.id)))
    for unit in item.units:
        attributes.set_committed_value(unit, "state", states[unit.id])


def _lock(item_id: int) -> None:
    db.session.flush()
    db.session.execute(sa.select(Item.id).where(Item.id == item_id).with_for_update(key_share=True))


def _read_anew(item_id: int) -> None:
    """Have a thing and its pieces, read before they were locked, be read again."""
    for one in list(db.session.identity_map.values()):
        own = isinstance(one, Item) and one.id == item_id
        if own or (isinstance(one, ItemUnit | Accessory) and one.item_id == item_id):
            db.session.expire(one)


def items(ids: Sequence[int]) -> list[Item]:
    """These things, in this order; what is gone is left out."""
    found = by_id(ids)
    return [found[item_id] for item_id in ids if item_id in found]


def by_id(ids: Collection[int]) -> dict[int, Item]:
    """These things by id."""
    return {item.id: item for item in db.session.scalars(whole(sa.select(Item).where(Item.id.in_(ids))))}


def listed_by(person: Person) -> sa.Select[Item]:
    """What a person lends and has not withdrawn, latest first."""
    own = sa.select(Item).where(Item.owner_id == person.id, Item.withdrawn_at.is_(None))
    return whole(own.order_by(Item.listed_at.desc(), Item.id.desc()))


def place_of(person: Person) -> PickUpPlace | None:
    """Where a person's things are fetched, if they said so."""
    own = sa.select(PickUpPlace).where(PickUpPlace.person_id == person.id)
    return db.session.scalar(own.options(joinedload(PickUpPlace.district)))


def vault_place(person_id: int) -> str:
    """What a pick-up address is locked for."""
    return f"pick_up_places:{person_id}"


def address_of(place: PickUpPlace) -> str:
    """The address that its owner wrote, for those who may read it."""
    return vault.unlock(place.address, vault_place(place.person_id)) if place.address else ""


def count_listed(person: Person) -> int:
    """How many things a person lends."""
    return db.count(sa.select(Item).where(Item.owner_id == person.id, Item.withdrawn_at.is_(None)))


def count_listed_since(person: Person, moment: datetime) -> int:
    """How many things a person has listed since then, whatever became of them."""
    return db.count(sa.select(Item).where(Item.owner_id == person.id, Item.listed_at > moment))


def promised(item: Item) -> dict[int, date]:
    """The pieces that someone has, is promised or is kept, each with the last day of it; needs `units`."""
    by_resource = {unit.resource_id: unit.id for unit in item.units}
    now = clock.now()
    held = sa.select(Occupancy.resource_id, sa.func.max(Occupancy.ends_at)).where(
        Occupancy.resource_id.in_(by_resource), Occupancy.ends_at > now,
        sa.or_(Occupancy.expires_at.is_(None), Occupancy.expires_at > now),
    ).group_by(Occupancy.resource_id)  # fmt: skip
    last = {
        by_resource[resource]: clock.local(ends_at - SECOND).date() for resource, ends_at in db.session.execute(held)
    }
    out = sa.select(LoanPiece.unit_id).where(LoanPiece.unit_id.in_(by_resource.values()), LoanPiece.is_out)
    return {unit_id: clock.today() for unit_id in db.session.scalars(out)} | last


def loans_going_on(item: Item) -> list[Loan]:
    """The loans of a thing that someone still has to do something about."""
    query = sa.select(Loan).where(Loan.item_id == item.id, Loan.state.in_(GOING_ON))
    return list(db.session.scalars(query.order_by(Loan.first_day, Loan.id)))


def loans_by_state(item_ids: Collection[int]) -> dict[int, dict[LoanState, int]]:
    """For each of these things, how many of its loans that go on stand where."""
    found: dict[int, dict[LoanState, int]] = {item_id: {} for item_id in item_ids}
    counted = sa.select(Loan.item_id, Loan.state, sa.func.count()).where(
        Loan.item_id.in_(item_ids), Loan.state.in_(GOING_ON)
    )
    for item_id, state, count in db.session.execute(counted.group_by(Loan.item_id, Loan.state)):
        found[item_id][state] = count
    return found


def words_of(item: Item) -> str:
    """What a thing is found by."""
    return " ".join((item.title, item.description, categories.words_of(item.category)))


def text_of(item: Item) -> str:
    """What its page says in its owner's words; needs `accessories`."""
    parts = [part.name for part in item.accessories]
    return "\n".join(filter(None, (item.title, item.description, item.rules, item.pick_up_note, *parts)))
