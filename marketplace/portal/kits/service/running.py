"""Making kits and changing what belongs to them."""

from typing import Any

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.kernel import audit, clock, db
from marketplace.kernel.access import permit
from marketplace.kernel.errors import NotFound
from marketplace.kernel.things import subject
from marketplace.portal.kits import errors, policy
from marketplace.portal.kits.models import Kit, KitPart
from marketplace.portal.kits.queries import kits as queries
from marketplace.sharing.items.models.listing import Item
from marketplace.sharing.spaces.models import Space


def make(manager: Person, building_id: int, name: str, *, name_en: str | None = None, about: str = "") -> Kit:
    """Begin a kit of a building; it is offered once something belongs to it and the manager says so."""
    permit(policy.may_run, manager, building_id)
    kit = Kit(building_id=building_id, name=name, name_en=name_en or None, about=about.strip(), parts=[])
    db.session.add(kit)
    db.session.flush()
    audit.record(manager.id, "kits.made", subject("kit", kit.id), building=building_id)
    return kit


def change(manager: Person, kit: Kit, *, version: int, published: bool, **says: Any) -> Kit:
    """Change what a kit says of itself and whether it is offered.

    Raises ChangedMeanwhile if someone else saved it since it was shown, NothingTogether if it has nothing to offer.
    """
    permit(policy.may_manage, manager, kit)
    if kit.version != version:
        raise errors.ChangedMeanwhile
    if published and not policy.is_together(kit):
        raise errors.NothingTogether(field="published")
    kit.name, kit.name_en, kit.about = says["name"], says["name_en"] or None, says["about"].strip()
    kit.published = published
    db.session.flush()
    audit.record(manager.id, "kits.changed", subject("kit", kit.id), published=published)
    return kit


def add_part(manager: Person, kit: Kit, part: Space | Item, quantity: int = 1) -> KitPart:
    """Put a room of the building, or pieces of a thing of a library in it, into a kit.

    Raises NoSuchPart, OneRoomOnly, RoomWithinRoom, TooManyPieces or PartTwice.
    """
    permit(policy.may_manage, manager, kit)
    added = _room(kit, part, quantity) if isinstance(part, Space) else _pieces(kit, part, quantity)
    try:
        with db.session.begin_nested():
            db.session.add(added)
            db.session.flush()
    except sa.exc.IntegrityError as clash:
        raise errors.PartTwice(field="part") from clash
    kit.version = kit.version + 1
    db.session.flush()
    audit.record(manager.id, "kits.part_added", subject("kit", kit.id), part=added.id)
    return added


def _room(kit: Kit, room: Space, quantity: int) -> KitPart:
    if room.building_id != kit.building_id or not room.offered:
        raise errors.NoSuchPart(field="part")
    if quantity != 1:
        raise errors.OneRoomOnly(field="quantity")
    others = [other for other in kit.rooms if other.id != room.id]
    if not queries.are_apart([*others, room]):
        raise errors.RoomWithinRoom(field="part")
    return KitPart(kit_id=kit.id, space_id=room.id)


def _pieces(kit: Kit, item: Item, quantity: int) -> KitPart:
    if item.library is None or item.library.building_id != kit.building_id or not item.offered:
        raise errors.NoSuchPart(field="part")
    if quantity > len(item.ready_units):
        raise errors.TooManyPieces(most=len(item.ready_units), field="quantity")
    return KitPart(kit_id=kit.id, item_id=item.id, quantity=quantity)


def remove_part(manager: Person, kit: Kit, part_id: int) -> None:
    """Take a part out of a kit; what is booked stays booked. What is left of too little is no longer offered."""
    permit(policy.may_manage, manager, kit)
    part = next((part for part in kit.parts if part.id == part_id), None)
    if part is None:
        raise NotFound
    kit.parts.remove(part)
    kit.published = kit.published and policy.is_together(kit)
    kit.version = kit.version + 1
    db.session.flush()
    audit.record(manager.id, "kits.part_removed", subject("kit", kit.id), part=part_id)


def keep_out_of_sight(kit: Kit, hidden: bool) -> None:
    """Offer a kit to nobody, or again, because moderators say so; what is booked stays booked."""
    kit.hidden_at = (kit.hidden_at or clock.now()) if hidden else None
    db.session.flush()
