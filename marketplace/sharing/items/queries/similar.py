"""What looks like something listed already: hints for whoever lists a thing, never a refusal."""

from collections.abc import Collection, Sequence

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.civic.uploads.models import Upload
from marketplace.kernel import db, search
from marketplace.sharing.items.models.listing import Item
from marketplace.sharing.items.queries import listings

ALIKE = 0.5
"""Titles share at least this part of all their words."""

MOST_BITS = 6
"""In so many of 64 bits the looks of one picture, sent again in another size or format, differ at most."""

MOST_COMPARED = 500
MOST_SHOWN = 3


def likeness(one: str, other: str) -> float:
    """The part of the words of two titles that they share (Jaccard index); Korean by pairs of syllables."""
    ones, others = set(search.tokens(one)), set(search.tokens(other))
    return len(ones & others) / len(ones | others) if ones and others else 0.0


def own_like(person: Person, title: str) -> list[Item]:
    """What the person lends already under much the same name, the most alike first."""
    return _most_alike(title, db.session.scalars(listings.listed_by(person)).all())


def nearby_like(item: Item) -> list[Item]:
    """What others offer in its district that is much the same, for who wonders about terms; the most alike first."""
    others = sa.select(Item).where(Item.offered, Item.id != item.id, Item.district_id == item.district_id)
    of_others = others.where(sa.or_(Item.owner_id.is_(None), Item.owner_id != item.owner_id))
    named_so = Item.id.in_(search.matching(listings.SEARCH_KIND, item.title))
    found = of_others.where(sa.or_(Item.category == item.category, named_so)).order_by(Item.id.desc())
    return _most_alike(item.title, db.session.scalars(found.limit(MOST_COMPARED)).all())[:MOST_SHOWN]


def _most_alike(title: str, among: Sequence[Item]) -> list[Item]:
    ranked = sorted(((likeness(title, one.title), one) for one in among), key=lambda pair: -pair[0])
    return [one for alike, one in ranked if alike >= ALIKE]


def same_pictures(items: Collection[Item]) -> dict[int, list[Item]]:
    """For each of these things, others of its category and still listed with a picture that looks the same.

    Things that are not offered are only told to their own owner.
    """
    own = _looks(Item.id.in_([item.id for item in items]))
    there = _looks(Item.category.in_({item.category for item in items}), Item.withdrawn_at.is_(None))
    found: dict[int, list[Item]] = {item.id: [] for item in items}
    for one, look in own:
        for other, its_look in there:
            told = other.offered or other.owner_id == one.owner_id
            if other is not one and told and differing(look, its_look) <= MOST_BITS and other not in found[one.id]:
                found[one.id].append(other)
    return found


def differing(one: int, other: int) -> int:
    """In how many of their 64 bits two looks differ."""
    return ((one ^ other) & (1 << 64) - 1).bit_count()


def _looks(*wanted: sa.ColumnElement[bool]) -> list[tuple[Item, int]]:
    of_item = Upload.subject == sa.literal("item:") + sa.cast(Item.id, sa.String)
    query = sa.select(Item, Upload.look).join(Upload, of_item).where(Upload.look.is_not(None), *wanted)
    rows = db.session.execute(query.order_by(Item.id, Upload.id))
    return [(item, look) for item, look in rows if look is not None]
