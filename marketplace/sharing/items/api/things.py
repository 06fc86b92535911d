"""Things that are lent and their free days, for programs."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
from flask import Blueprint, url_for

from marketplace.civic.groups.queries import group_ids
from marketplace.civic.places.errors import NoSuchPlace
from marketplace.kernel import cells, clock, geo
from marketplace.kernel.words import _l
from marketplace.sharing.items import policy
from marketplace.sharing.items.api._shared import THINGS, known
from marketplace.sharing.items.models.listing import Item
from marketplace.sharing.items.queries import availability, listings
from marketplace.sharing.items.queries.search import Found, count_by_cell, find, point
from marketplace.sharing.items.schemas.search import (
    AvailabilityQuestions,
    AvailabilityRecord,
    FoundItemRecord,
    ItemRecord,
    ItemSearch,
    days_of,
    wanted,
)
from marketplace.web.access import current_person, public
from marketplace.web.api import GEOJSON, FeatureCollectionRecord, Page, With, endpoint

bp = Blueprint("items_api", __name__, url_prefix="/api/v1")

DAY = timedelta(days=1)
ROUNDED = 10
"""Metres: finer than that nobody walks, and the middle of an area is no door."""


@bp.get("/items")
@public
@endpoint(
    summary=_l("Things to borrow: those free on the days asked for first, then the others with their next free day."),
    tag=THINGS,
    query=ItemSearch,
    answer=FoundItemRecord,
    paged=(int, int, int),
    refuses=(NoSuchPlace,),
)
def list_items(limit: int, after: tuple[int, int, int] | None, **asked: Any) -> Page:
    """The things asked for."""
    person = current_person()
    found = find(_wanted(asked), person, group_ids(person))
    ranked = np.concatenate([found.free, found.others])
    start = _start(found, after)
    chosen = ranked[start : start + limit].tolist()
    last = start + len(chosen)
    rank = int(last > len(found.free))
    items = _found(listings.items(chosen), found, asked)
    return Page(items, (rank, chosen[-1], last) if last < len(ranked) else None)


def _wanted(asked: dict[str, Any]) -> Any:
    return wanted(asked, point(asked.get("near"), asked.get("latitude"), asked.get("longitude")))


def _start(found: Found, after: tuple[int, int, int] | None) -> int:
    """Where to go on: behind the last thing sent; if it is no longer there, behind as many as were sent."""
    if after is None:
        return 0
    rank, item_id, sent = after
    where = np.flatnonzero((found.others if rank else found.free) == item_id)
    return int(where[0]) + 1 + (len(found.free) if rank else 0) if where.size else sent


def _found(shown: Sequence[Item], found: Found, asked: dict[str, Any]) -> list[With]:
    first, length = days_of(asked)
    free, quantity = set(found.free.tolist()), asked.get("quantity", 1)
    dated = "first" in asked
    waiting = [item for item in shown if not (dated and item.id in free)]
    later = availability.next_free(waiting, length, first, quantity) if waiting else {}
    return [
        With(
            item,
            free=item.id in free if dated else None,
            next_free=later.get(item.id, first if dated and item.id in free else None),
            metres=_rounded(found.metres.get(item.cell)),
        )
        for item in shown
    ]


def _rounded(metres: float | None) -> int | None:
    return None if metres is None else ROUNDED * round(metres / ROUNDED)


@bp.get("/items.geojson")
@public
@endpoint(
    summary=_l("How many things there are in each area of the city, some 500 m wide, for a map."),
    tag=THINGS,
    query=ItemSearch,
    answer=FeatureCollectionRecord,
    media=GEOJSON,
    refuses=(NoSuchPlace,),
)
def map_items(**asked: Any) -> dict[str, Any]:
    """The areas of the things asked for; no thing has a point of its own."""
    person = current_person()
    counts = count_by_cell(_wanted(asked), person, group_ids(person))
    return geo.to_geojson(
        geo.Feature(cells.area(cell), {"count": count, "link": url_for("items.search", cell=cell)}, cell)
        for cell, count in counts.items()
    )


@bp.get("/items/<int:item_id>")
@public
@endpoint(summary=_l("One thing."), tag=THINGS, answer=ItemRecord)
def get_item(item_id: int) -> Item:
    """A thing."""
    return known(item_id)


@bp.get("/items/<int:item_id>/availability")
@public
@endpoint(
    summary=_l("How many pieces of a thing are free, day by day."),
    tag=THINGS,
    query=AvailabilityQuestions,
    answer=AvailabilityRecord,
)
def list_free_days(item_id: int, days: int, first: date | None = None) -> dict[str, Any]:
    """The free days of a thing."""
    item, first = known(item_id), first or clock.today()
    counts = availability.days(item, first, first + (days - 1) * DAY)
    told = [{"date": day, "free": free, "handed_over": bool(policy.hours(item, day))} for day, free in counts.items()]
    return {"item": item.id, "pieces": len(item.ready_units), "days": told}
