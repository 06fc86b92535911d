"""What looks like something listed already: hints for whoever lists a thing, never a refusal."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

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


def same_pictures(items: Collection[Item], of: Person | None = None) -> dict[int, list[Item]]:
    """For each of these things, others still listed with a picture that looks the same.

    Looked for in their categories, or among all that one person lends: a category may have thousands, which is enough
    for one thing but too much for a list. Things that are not offered are only told to their own owner.
    """
    alike: dict[int, list[int]] = {item.id: [] for item in items}
    own = _looks(Item.id.in_([item.id for item in items]))
    if not own:
        return {item_id: [] for item_id in alike}
    among = Item.category.in_({item.category for item in items}) if of is None else Item.owner_id == of.id
    there = _looks(among, Item.withdrawn_at.is_(None))
    looks = np.array([other.look for other in there], dtype=np.int64)
    for one in own:
        for at in np.flatnonzero(differing(looks, one.look) <= MOST_BITS):
            other = there[int(at)]
            if other.id != one.id and (other.offered or other.owner_id == one.owner_id):
                alike[one.id].append(other.id)
    known = listings.by_id({other_id for found in alike.values() for other_id in found})
    return {item_id: [known[other_id] for other_id in dict.fromkeys(found)] for item_id, found in alike.items()}


def differing(looks: NDArray[np.int64], look: int) -> NDArray[np.uint8]:
    """In how many of their 64 bits each of these looks (n,) differs from one."""
    return np.bitwise_count((looks ^ look).view(np.uint64))


def _looks(*wanted: sa.ColumnElement[bool]) -> Sequence[sa.Row[Any]]:
    """What the pictures of things look like, past the session's bookkeeping: a category may have thousands."""
    of_item = Upload.subject == sa.literal("item:") + sa.cast(Item.id, sa.String)
    columns = sa.select(Item.id, Item.owner_id, Item.offered.label("offered"), Upload.look)
    query = columns.join(Upload, of_item).where(Upload.look.is_not(None), *wanted)
    return db.rows(query.order_by(Item.id, Upload.id))
