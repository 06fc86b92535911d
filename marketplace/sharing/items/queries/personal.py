"""What things and loans say about one person."""

from collections.abc import Iterator, Mapping

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.civic.places.models import District
from marketplace.kernel import cells, db, vault
from marketplace.kernel.hooks import Extract, extract
from marketplace.kernel.words import _l
from marketplace.sharing.items.models.listing import Accessory, Item, PickUpPlace


def own_things(person: Person) -> list[Extract]:
    """What a person lends, with its accessories, and where it is fetched."""
    said = (Item.title, Item.description, Item.category, Item.condition, Item.rules, Item.pick_up_note)
    terms = (Item.value, Item.fee, Item.deposit, Item.longest_days, Item.notice_days, Item.audience, Item.trusts)
    when = (Item.listed_at, Item.paused_at, Item.hidden_at, Item.withdrawn_at)
    own = Item.owner_id == person.id
    parts = sa.select(Item.title.label("thing"), Accessory.name, Accessory.count).join(
        Item, Item.id == Accessory.item_id
    )
    return [
        extract("things", _l("Things you lend"), sa.select(*said, *terms, *when).where(own).order_by(Item.id)),
        extract("accessories", _l("What goes along with them"), parts.where(own).order_by(Item.id, Accessory.position)),
        Extract("pick_up_place", _l("Where your things are fetched"), _place(person)),
    ]


def _place(person: Person) -> Iterator[Mapping[str, object]]:
    query = sa.select(PickUpPlace, District.name_en).outerjoin(District).where(PickUpPlace.person_id == person.id)
    for place, district in db.session.execute(query):
        middle = cells.centre(place.cell)
        yield {
            "address": vault.unlock(place.address, f"pick_up_places:{person.id}") if place.address else "",
            "district": district,
            "area_latitude": round(middle.latitude, 4),
            "area_longitude": round(middle.longitude, 4),
            "changed_at": place.changed_at,
        }
