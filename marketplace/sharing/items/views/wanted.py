"""The wanted board: what neighbours look for, offering it to them, and being asked for it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, redirect, url_for
from flask.typing import ResponseReturnValue

from marketplace.civic.places import queries as places
from marketplace.civic.uploads.models import Upload
from marketplace.civic.uploads.queries import of_subjects
from marketplace.kernel import clock, db, hooks
from marketplace.kernel.access import reveal
from marketplace.kernel.hooks import Queue, Waiting
from marketplace.kernel.things import subject
from marketplace.kernel.words import _, _l, ngettext
from marketplace.sharing.items import policy
from marketplace.sharing.items.models import categories
from marketplace.sharing.items.models.listing import Item
from marketplace.sharing.items.models.wanted import DISTANCES, Ending, WantedPost
from marketplace.sharing.items.queries import listings
from marketplace.sharing.items.queries import wanted as queries
from marketplace.sharing.items.queries.availability import free_pieces
from marketplace.sharing.items.schemas import wanted as schemas
from marketplace.sharing.items.schemas.listing import Nothing
from marketplace.sharing.items.service import wanted as service
from marketplace.web.access import current_person, public, residents
from marketplace.web.forms import Form
from marketplace.web.linked import linked, part, quantity
from marketplace.web.pages import listed, page, tell, whole_address
from marketplace.web.security import Limit, limited, visitor

bp = Blueprint("wanted", __name__)

SHOWN = 5
OFTEN = (Limit("thing wanted", 30, timedelta(hours=1), visitor),)


# --- the board ---


@bp.get("/items/wanted")
@public
def board() -> Response:
    """What neighbours look for, by words, category and district."""
    form = Form(schemas.WantedSearch(), method="GET")
    asked = {} if form.errors else form.data
    pages, shown = listed(queries.board(asked.get("q", ""), asked.get("category"), asked.get("district")))
    return form.page(
        "sharing/items/wanted/board.html",
        shown=shown, pages=pages, categories=categories.tree(), districts=places.districts(),
    )  # fmt: skip


@bp.route("/items/wanted/new", methods=["GET", "POST"])
@residents
@limited(*OFTEN)
def new() -> ResponseReturnValue:
    """Say what one looks for."""
    person = current_person()
    with Form(schemas.WantedDetails(), quantity=1) as form:
        if form.submitted:
            near = {name: form.data.pop(name) for name in ("near", "latitude", "longitude")}
            made = service.post(person, service.point_for(person, **near), **form.data)
            tell(_("It is on the board. When a neighbour offers you one, we write to you."))
            return redirect(url_for(".post", post_id=made.id), 303)
    return form.page(
        "sharing/items/wanted/new.html",
        place=listings.place_of(person), categories=_grouped(), first_day=clock.today().isoformat(),
    )  # fmt: skip


def _grouped() -> list[tuple[categories.Category, list[categories.Category]]]:
    tree = categories.tree()
    return [(top, [one for one in tree if one.parent == top.code]) for top in tree if top.parent is None]


@bp.get("/items/wanted/mine")
@residents
def mine() -> Response:
    """What one looks for and looked for, and whether one is asked."""
    pages, shown = listed(queries.posts_of(current_person()))
    return page(
        "sharing/items/wanted/mine.html",
        shown=shown, pages=pages, offers=queries.count_offers(shown), ask_me=queries.ask_me(current_person()),
    )  # fmt: skip


# --- a post ---


@bp.get("/items/wanted/<int:post_id>")
@public
def post(post_id: int) -> Response:
    """What is looked for: to whoever posted it with the offers, to others with what they could offer."""
    return _post_page(_seen(post_id), Form(Nothing()))


def _post_page(found: WantedPost, form: Form) -> Response:
    person = current_person()
    mine = policy.may_end(person, found)
    offers = [] if person is None else queries.offers_to(found)
    things = [offer.item for offer in offers] if mine else []
    own = queries.own_to_offer(person, found) if person and found.is_open and not mine else []
    first = max(found.first_day, clock.today())
    return form.page(
        "sharing/items/wanted/post.html",
        post=found, mine=mine, things=things, own=own, first=first, pictures=_pictures(things),
        pieces=free_pieces(things, first, found.last_day) if things and found.is_open else {},
        offered={offer.item_id for offer in offers},
        linked=_linked(found) if found.is_open and not found.hidden_at else None,
    )  # fmt: skip


def _linked(found: WantedPost) -> dict[str, Any]:
    """What is looked for, and when; who looks for it has no name, and the place is the district."""
    return linked(
        "Demand",
        name=found.title,
        description=found.description,
        url=whole_address(url_for(".post", post_id=found.id)),
        itemOffered=part("Product", name=found.title, category=found.category_title),
        businessFunction="http://purl.org/goodrelations/v1#LeaseOut",
        eligibleQuantity=quantity(found.quantity),
        availabilityStarts=found.first_day.isoformat(),
        availabilityEnds=found.last_day.isoformat(),
        areaServed=found.district.name if found.district else None,
    )


def _pictures(of: Sequence[Item]) -> dict[int, list[Upload]]:
    found = of_subjects(subject("item", item.id) for item in of)
    return {
        item.id: [one for one in found[subject("item", item.id)] if one.is_ready and not one.problem] for item in of
    }


def _seen(post_id: int) -> WantedPost:
    found = queries.get_post(post_id)
    reveal(policy.may_see_post, current_person(), found)
    return found


@bp.post("/items/wanted/<int:post_id>/end")
@residents
def end(post_id: int) -> ResponseReturnValue:
    """Look for it no more."""
    found = _seen(post_id)
    with Form(schemas.WantedEnd()) as form:
        if form.submitted:
            service.end(current_person(), found, form.data["ending"])
            tell(_("Good. It is off the board.") if form.data["ending"] is Ending.FOUND else _("It is off the board."))
            return redirect(url_for(".mine"), 303)
    return _post_page(_seen(post_id), form)


# --- offering ---


@bp.route("/items/wanted/<int:post_id>/offer/<int:item_id>", methods=["GET", "POST"])
@residents
@limited(*OFTEN)
def offer(post_id: int, item_id: int) -> ResponseReturnValue:
    """Offer one of one's things, after reading what that means."""
    found, item = _seen(post_id), _own(item_id)
    with Form(Nothing()) as form:
        if form.submitted:
            service.offer(current_person(), found, item)
            tell(_("Offered. If it suits your neighbour, you get a request to answer."))
            return redirect(url_for(".post", post_id=post_id), 303)
    found, item = _seen(post_id), _own(item_id)
    rule = service.broken_rule(current_person(), found, item)
    return form.page("sharing/items/wanted/offer.html", post=found, item=item, rule=rule)


@bp.post("/items/wanted/<int:post_id>/offer/<int:item_id>/take-back")
@residents
def take_back(post_id: int, item_id: int) -> ResponseReturnValue:
    """Offer it no more."""
    service.take_back(current_person(), _seen(post_id), _own(item_id))
    tell(_("You no longer offer it for this."))
    return redirect(url_for(".post", post_id=post_id), 303)


def _own(item_id: int) -> Item:
    item = listings.get_item(item_id)
    reveal(policy.may_edit, current_person(), item)
    return item


# --- being asked ---


@bp.route("/items/wanted/ask-me", methods=["GET", "POST"])
@residents
@limited(*OFTEN)
def ask_me() -> ResponseReturnValue:
    """Choose whether one is asked when a neighbour looks for something, and from how far."""
    person = current_person()
    kept = queries.ask_me(person)
    with Form(schemas.AskMeChoice(), within=kept.within if kept else "no") as form:
        if form.submitted:
            service.choose(person, form.data["within"])
            tell(_("Saved. You are asked from now on.") if form.data["within"] else _("Saved. You are not asked."))
            return redirect(url_for(".mine"), 303)
    return form.page(
        "sharing/items/wanted/ask_me.html",
        distances=DISTANCES, place=listings.place_of(person), most=queries.MOST_LETTERS,
    )  # fmt: skip


# --- what other floors ask ---


@hooks.waits_for_me.register
def waits_for_me(person: Any) -> Queue | None:
    """Offers to look at, until something is asked for or the post is ended."""
    posts = queries.posts_with_offers(person, SHOWN)
    many = queries.count_offers(posts)
    waiting = [
        Waiting(
            ngettext("{n} offer: {wanted}", "{n} offers: {wanted}", many[one.id], wanted=one.title),
            url_for("wanted.post", post_id=one.id),
            clock.at(one.first_day, 0),
        )
        for one in posts
    ]
    return Queue(_l("Things you look for"), url_for("wanted.mine"), len(waiting), waiting) if waiting else None


@hooks.own_words.register
def own_words(person: Any) -> tuple[object, list[tuple[str, str]]] | None:
    """What the person looked for lately, for my page."""
    latest = db.session.scalars(queries.posts_of(person).limit(SHOWN)).all()
    links = [(one.title, url_for("wanted.post", post_id=one.id)) for one in latest]
    return (_l("Things you look for"), links) if links else None


@hooks.account_links.register
def account_links(_person: Any) -> tuple[object, list[tuple[str, str]]]:
    """The ways to the board, for my page."""
    return _l("Wanted board"), [
        (_("What I look for"), url_for("wanted.mine")),
        (_("Whether I am asked for things"), url_for("wanted.ask_me")),
    ]
