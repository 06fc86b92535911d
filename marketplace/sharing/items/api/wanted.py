"""The wanted board for programs: what neighbours look for, posting, offering, and ending it."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, url_for

from marketplace.civic.places.errors import NoSuchPlace, OutsideTheCity, SeveralPlaces
from marketplace.kernel import db
from marketplace.kernel.access import permit, reveal
from marketplace.kernel.errors import NotFound
from marketplace.kernel.words import _l
from marketplace.sharing.items import errors, policy
from marketplace.sharing.items.api._shared import RULES, WANTED
from marketplace.sharing.items.models.listing import Item
from marketplace.sharing.items.models.wanted import Ending, WantedPost
from marketplace.sharing.items.queries import listings
from marketplace.sharing.items.queries import wanted as queries
from marketplace.sharing.items.schemas.wanted import (
    OfferRecord,
    OfferWish,
    WantedDetails,
    WantedEnd,
    WantedRecord,
    WantedSearch,
)
from marketplace.sharing.items.service import wanted as service
from marketplace.web.access import current_person, public, residents
from marketplace.web.api import Created, Page, With, cut, endpoint, expect_unchanged
from marketplace.web.security import Limit, limited, visitor

bp = Blueprint("wanted_api", __name__, url_prefix="/api/v1")

OFTEN = (Limit("thing wanted", 30, timedelta(hours=1), visitor),)


# --- the board ---


@bp.get("/wanted")
@public
@endpoint(
    summary=_l("What neighbours look for, the latest first. Who and where is not told; only the district."),
    tag=WANTED,
    query=WantedSearch,
    answer=WantedRecord,
    paged=(int,),
)
def list_wanted(
    limit: int, after: tuple[int] | None, q: str = "", category: str | None = None, district: int | None = None
) -> Page:
    """The posts of the board."""
    query = queries.board(q, category, district, after=after[0] if after else None)
    return cut(db.session.scalars(query.limit(limit + 1)).all(), limit, lambda post: (post.id,))


@bp.get("/wanted/<int:post_id>")
@public
@endpoint(summary=_l("One thing that a neighbour looks for."), tag=WANTED, answer=WantedRecord)
def get_wanted(post_id: int) -> WantedPost:
    """A post of the board, as long as it is looked for."""
    post = queries.get_post(post_id)
    if not post.is_open or post.hidden_at:
        raise NotFound
    return post


@bp.post("/wanted")
@residents
@limited(*OFTEN)
@endpoint(
    summary=_l("Say what you look for; owners nearby who agreed to be asked are asked for it."),
    tag=WANTED,
    body=WantedDetails,
    answer=WantedRecord,
    status=201,
    refuses=(
        errors.NotVerifiedToPost, errors.NoPlaceToAskFrom, NoSuchPlace, SeveralPlaces,
        OutsideTheCity, errors.TooManyWanted, errors.TooManyWantedToday,
    ),
)  # fmt: skip
def post_wanted(near: str, latitude: float | None, longitude: float | None, **details: Any) -> Created:
    """Look for something; from where owners are asked is not kept."""
    person = current_person()
    made = service.post(person, service.point_for(person, near, latitude, longitude), **details)
    return Created(queries.get_post(made.id), url_for(".get_wanted", post_id=made.id))


@bp.post("/wanted/<int:post_id>/end")
@residents
@endpoint(
    summary=_l("Look for it no more, because it was found or is not needed."),
    tag=WANTED,
    body=WantedEnd,
    status=204,
    refuses=(errors.WantedNoMore,),
)
def end_wanted(post_id: int, ending: Ending) -> None:
    """End a post of one's own."""
    post = _seen(post_id)
    permit(policy.may_end, current_person(), post)
    expect_unchanged(WantedRecord, post)
    service.end(current_person(), post, ending)


# --- offers ---


@bp.get("/wanted/<int:post_id>/offers")
@residents
@endpoint(
    summary=_l("What neighbours offer you for it, the first one first; ask for one as for any thing."),
    tag=WANTED,
    answer=OfferRecord,
    paged=(int,),
)
def list_offers(post_id: int, limit: int, after: tuple[int] | None) -> Page:
    """The things offered to whoever posted it."""
    post = _seen(post_id)
    permit(policy.may_end, current_person(), post)
    behind = after[0] if after else 0
    offers = [offer for offer in queries.offers_to(post) if offer.id > behind]
    return cut(offers, limit, lambda offer: (offer.id,))


@bp.post("/wanted/<int:post_id>/offers")
@residents
@limited(*OFTEN)
@endpoint(
    summary=_l("Offer one of your things to whoever looks for such a one."),
    tag=WANTED,
    body=OfferWish,
    answer=OfferRecord,
    status=201,
    refuses=(
        errors.OwnWish, errors.WantedNoMore, errors.OfferedAlready, errors.AlreadyPromised, *RULES,
    ),
)  # fmt: skip
def offer(post_id: int, item: int) -> Created:
    """Offer a thing; whoever looks for it is told."""
    made = service.offer(current_person(), _seen(post_id), _own(item))
    return Created(made, url_for(".get_wanted", post_id=post_id))


@bp.delete("/wanted/<int:post_id>/offers/<int:item_id>")
@residents
@endpoint(summary=_l("Offer it no more."), tag=WANTED, status=204)
def take_back_offer(post_id: int, item_id: int) -> None:
    """Take an offer of one's own back."""
    post, item = _seen(post_id), _own(item_id)
    made = queries.offer_of(post, item)
    if made is None:
        raise NotFound
    expect_unchanged(OfferRecord, With(made, item=item))
    service.take_back(current_person(), post, item)


def _seen(post_id: int) -> WantedPost:
    post = queries.get_post(post_id)
    reveal(policy.may_see_post, current_person(), post)
    return post


def _own(item_id: int) -> Item:
    item = listings.get_item(item_id)
    reveal(policy.may_edit, current_person(), item)
    return item
