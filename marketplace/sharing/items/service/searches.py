"""Saved searches: keeping them, telling of new things once a day, and ending those that nobody keeps."""

from collections import defaultdict
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.civic.accounts.policy import expect_may_act
from marketplace.civic.accounts.queries import one_at_a_time
from marketplace.civic.notifications import service as notifications
from marketplace.kernel import cells, clock, db, things
from marketplace.sharing.items import errors
from marketplace.sharing.items.models.searches import NewlyOffered, SavedSearch
from marketplace.sharing.items.queries import listings
from marketplace.sharing.items.queries import searches as queries
from marketplace.sharing.items.queries.search import Wanted

MOST_SAVED = 20
KEPT = timedelta(days=365)
AT_ONCE = 500


def save(person: Person, wanted: Wanted, near: str = "") -> SavedSearch:
    """Keep a search without its days, to be told of new things; the same one again is kept once.

    `near` is the building that was named; where a device was is cut to its privacy cell. Raises NothingToSave or
    TooManySearches.
    """
    expect_may_act(person)
    point = wanted.near
    if point and not near:
        point = cells.centre(cells.cell_of(point))
    within = wanted.within if point else None
    asked = {
        "words": " ".join(wanted.words.split()), "category": wanted.category, "district_id": wanted.district_id,
        "library_id": wanted.library_id, "free_of_charge": wanted.free_of_charge, "within": within,
        "near": near if within else "", "latitude": point.latitude if point and within else None,
        "longitude": point.longitude if point and within else None,
    }  # fmt: skip
    query = _query(asked)
    if not query:
        raise errors.NothingToSave
    one_at_a_time(person.id)
    own = queries.searches_of(person)
    if same := next((one for one in own if one.query == query), None):
        same.kept_at = clock.now()
        return same
    if len(own) >= MOST_SAVED:
        raise errors.TooManySearches(most=MOST_SAVED)
    made = SavedSearch(person_id=person.id, query=query, **asked)
    db.session.add(made)
    db.session.flush()
    return made


def _query(asked: dict[str, Any]) -> str:
    """The search as the address of its page asks it: one spelling for the same search."""
    point = () if asked["near"] else (("latitude", asked["latitude"]), ("longitude", asked["longitude"]))
    parts = (
        ("q", asked["words"].casefold()), ("category", asked["category"]), ("district", asked["district_id"]),
        ("library", asked["library_id"]), ("free", "yes" if asked["free_of_charge"] else None),
        ("near", asked["near"]), *point, ("within", asked["within"]),
    )  # fmt: skip
    return urlencode([(name, f"{value:.5f}" if isinstance(value, float) else value) for name, value in parts if value])


def keep(saved: SavedSearch) -> None:
    """Say that it is still wanted, for another year."""
    saved.kept_at = clock.now()
    db.session.flush()


def delete(saved: SavedSearch) -> None:
    """Be told of such things no more."""
    db.session.delete(saved)
    db.session.flush()


def note_new(item_id: int) -> None:
    """Have people told of a thing that was listed or resumed."""
    insert = sa.text("INSERT INTO newly_offered (item_id) VALUES (:item_id) ON CONFLICT DO NOTHING")
    db.session.execute(insert, {"item_id": item_id})


def tell_of_new() -> int:
    """Tell everyone of what is new and matches what they saved: one notice a search, as the job comes once a day.

    Returns to how many searches something was told.
    """
    matches: dict[tuple[int, str], list[int]] = defaultdict(list)
    saved = queries.everyone_s()
    while ids := queries.newly_offered(AT_ONCE):
        new = queries.NewThings(ids)
        for one in saved:
            matches[one.person_id, one.query] += new.matching(one)
        db.session.execute(sa.delete(NewlyOffered).where(NewlyOffered.item_id.in_(ids)))
    told = {key: found for key, found in matches.items() if found}
    alike: dict[tuple[str, tuple[int, ...]], list[int]] = defaultdict(list)
    for (person_id, query), found in told.items():
        alike[query, tuple(found)].append(person_id)
    items = listings.by_id({found[0] for _query_, found in alike})
    for (query, new_ids), people in alike.items():
        first = things.of("item", items[new_ids[0]])
        notifications.tell(people, "items.new_things", first, n=len(new_ids), link=f"/items/?{query}")
    return len(told)


def end_old() -> None:
    """End searches that nobody kept for a year, and say so, some at a time."""
    for one in queries.kept_until(clock.now() - KEPT, AT_ONCE):
        notifications.tell(one.person_id, "items.search_ended", f"saved_search:{one.id}", link=f"/items/?{one.query}")
        db.session.delete(one)
    db.session.flush()


def erase(person: Person) -> None:
    """Delete what a person saved."""
    db.session.execute(sa.delete(SavedSearch).where(SavedSearch.person_id == person.id))
