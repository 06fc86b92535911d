"""Saved searches, and which of them new things match: a few statements, however many of either there are."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from marketplace.civic.accounts.models import Person
from marketplace.civic.groups.models import GroupMember
from marketplace.kernel import cells, db, search
from marketplace.kernel.errors import NotFound
from marketplace.kernel.geo import Point
from marketplace.kernel.hooks import Extract, extract
from marketplace.kernel.words import _l
from marketplace.sharing.items.models import categories
from marketplace.sharing.items.models.listing import Audience, Item
from marketplace.sharing.items.models.searches import NewlyOffered, SavedSearch
from marketplace.sharing.items.queries.listings import SEARCH_KIND
from marketplace.sharing.items.queries.search import is_lent

Mask = NDArray[np.bool_]


def searches_of(person: Person) -> Sequence[SavedSearch]:
    """What a person saved, the latest first."""
    own = sa.select(SavedSearch).where(SavedSearch.person_id == person.id)
    return db.session.scalars(own.order_by(SavedSearch.id.desc())).all()


def get_search(person: Person, search_id: int) -> SavedSearch:
    """A search of the person's own. Raises NotFound."""
    own = sa.select(SavedSearch).where(SavedSearch.id == search_id, SavedSearch.person_id == person.id)
    found = db.session.scalar(own)
    if found is None:
        raise NotFound
    return found


def kept_until(moment: datetime, limit: int) -> Sequence[SavedSearch]:
    """Searches that nobody said are still wanted since a moment."""
    old = sa.select(SavedSearch).where(SavedSearch.kept_at <= moment)
    return db.session.scalars(old.order_by(SavedSearch.id).limit(limit)).all()


def newly_offered(limit: int) -> list[int]:
    """Ids of things that are new since people were told last, offered still or not."""
    return list(db.session.scalars(sa.select(NewlyOffered.item_id).order_by(NewlyOffered.item_id).limit(limit)))


def everyone_s() -> Sequence[sa.Row[Any]]:
    """All saved searches of those who may be told, each with its person's district; one statement."""
    here = sa.select(*SavedSearch.__table__.columns, Person.district_id.label("home")).join(
        Person, Person.id == SavedSearch.person_id
    )
    return db.rows(here.where(Person.erase_at.is_(None), Person.erased_at.is_(None)).order_by(SavedSearch.id))


class NewThings:
    """Some things that are offered, held in memory against any number of searches; three statements in all."""

    def __init__(self, ids: Sequence[int]) -> None:
        columns = (Item.id, Item.owner_id, Item.category, Item.cell, Item.district_id, Item.library_id, Item.fee)
        query = sa.select(*columns, Item.audience, Item.group_id).where(Item.id.in_(ids), is_lent())
        self.rows = db.rows(query.order_by(Item.id))
        self.ids = np.array([row.id for row in self.rows], np.int64)
        self._cells = np.array([row.cell for row in self.rows], np.int64)
        self._owners = np.array([row.owner_id or 0 for row in self.rows], np.int64)
        self._holding = search.Holding(SEARCH_KIND, self.ids.tolist())
        groups = {row.group_id for row in self.rows if row.group_id}
        self._members: dict[int, set[int]] = defaultdict(set)
        member = sa.select(GroupMember.group_id, GroupMember.person_id).where(GroupMember.group_id.in_(groups))
        for group_id, person_id in db.rows(member):
            self._members[group_id].add(person_id)
        # each is worked out once for all searches that ask the same
        self._of_words = cache(self._with_words)
        self._of_category = cache(self._in_category)
        self._for_district = cache(self._lent_in)
        self._near = cache(self._within)

    def matching(self, asked: sa.Row[Any]) -> list[int]:
        """Ids of those that are as a search asks and that its person may borrow; never the person's own."""
        found = self._for_district(asked.home) & (self._owners != asked.person_id)
        if asked.words:
            found = found & self._of_words(asked.words)
        if asked.category:
            found = found & self._of_category(asked.category)
        if asked.within is not None:
            found = found & self._near(asked.latitude, asked.longitude, asked.within)
        return [row.id for at in np.flatnonzero(found) if self._suits(asked, row := self.rows[int(at)])]

    def _suits(self, asked: sa.Row[Any], row: sa.Row[Any]) -> bool:
        """The questions that few searches ask, of the few things that are left."""
        return (
            (asked.district_id is None or row.district_id == asked.district_id)
            and (asked.library_id is None or row.library_id == asked.library_id)
            and not (asked.free_of_charge and row.fee)
            and (row.audience is not Audience.GROUP or asked.person_id in self._members[row.group_id])
        )

    def _with_words(self, words: str) -> Mask:
        return np.isin(self.ids, list(self._holding.matching(words)))

    def _in_category(self, code: str) -> Mask:
        such = set(categories.with_all_below(code))
        return np.array([row.category in such for row in self.rows], bool)

    def _lent_in(self, home: int | None) -> Mask:
        return np.array(
            [row.audience is not Audience.DISTRICT or (home is not None and row.district_id == home)
             for row in self.rows], bool,
        )  # fmt: skip

    def _within(self, latitude: float, longitude: float, metres: int) -> Mask:
        return np.asarray(cells.distances(Point(latitude, longitude), self._cells) <= metres)


def own_data(person: Person) -> Extract:
    """What a person saved."""
    query = sa.select(SavedSearch.query, SavedSearch.saved_at, SavedSearch.kept_at)
    own = query.where(SavedSearch.person_id == person.id).order_by(SavedSearch.id)
    return extract("saved_searches", _l("Searches that you saved"), own)
