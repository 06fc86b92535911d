"""Lending one's own things: listing them, changing and withdrawing them, and where they are fetched."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.civic.places.queries import point_of
from marketplace.civic.uploads.queries import of_subjects
from marketplace.kernel import db, hooks
from marketplace.kernel.words import _, _l
from marketplace.sharing.items import errors, policy
from marketplace.sharing.items.models import categories
from marketplace.sharing.items.models.listing import Audience, Condition, Item
from marketplace.sharing.items.queries import impact, listings, similar
from marketplace.sharing.items.schemas import listing as schemas
from marketplace.sharing.items.schemas.impact import line as impact_line
from marketplace.sharing.items.service import listing, places
from marketplace.web.access import current_person, residents, reveal_by_role
from marketplace.web.forms import Form
from marketplace.web.pages import listed as listed_in_pages
from marketplace.web.pages import page, tell
from marketplace.web.security import Limit, limited, takes_files, visitor

bp = Blueprint("listing", __name__)

FEW_ROWS, MORE_ROWS = 3, 4
PLACE = ("near", "latitude", "longitude", "address")
OFTEN = (Limit("thing listed", 60, timedelta(hours=1), visitor),)


# --- listing a thing ---


@bp.route("/items/new", methods=["GET", "POST"])
@residents
@limited(*OFTEN)
@takes_files
def new() -> ResponseReturnValue:
    """Offer a thing; the first time with where it is fetched."""
    person = current_person()
    with Form(schemas.NewListing(), **schemas.USUAL) as form:
        if form.submitted and not _more_asked(form):
            _keep_place(form)
            made = listing.add(person, **form.data)
            return redirect(url_for(".listed", item_id=made.id), 303)
    alike = form.refusal.details["alike"] if isinstance(form.refusal, errors.ListedAlready) else []
    return _listing_page("sharing/items/listing.html", form, alike=alike)


def _keep_place(form: Form) -> None:
    """What was said of the place, the first time."""
    said = {name: form.data.pop(name) for name in PLACE}
    if listings.place_of(current_person()) is None:
        point = point_of(said["near"], said["latitude"], said["longitude"])
        places.save(current_person(), point, said["address"])


def _more_asked(form: Form) -> bool:
    """Whether the button was pressed that brings more rows for accessories, and lists or saves nothing."""
    return form.sent and "more" in request.form


def _not_wrong_yet(form: Form) -> None:
    """As long as only rows are asked for, nothing is wrong but a file that was refused."""
    form.errors = [(field, text) for field, text in form.errors if field == "pictures"]
    form.status = 200


def _listing_page(template: str, form: Form, **context: Any) -> Response:
    person = current_person()
    if _more_asked(form):
        _not_wrong_yet(form)
    return form.page(
        template,
        rows=_rows(form), more_asked=_more_asked(form), most_rows=schemas.MOST_PARTS, place=listings.place_of(person),
        groups=listing.own_groups(person), categories=_grouped(), conditions=Condition, audiences=Audience,
        **context,
    )  # fmt: skip


def _rows(form: Form) -> int:
    """How many rows for accessories to show: those filled in, at least a few, and some more where they are wanted."""
    filled = [number for number in range(1, schemas.MOST_PARTS + 1) if form.value(f"part_{number}")]
    more = MORE_ROWS if _more_asked(form) else 0
    return min(max(FEW_ROWS, max(filled, default=0)) + more, schemas.MOST_PARTS)


def _grouped() -> list[tuple[categories.Category, list[categories.Category]]]:
    """The categories, each with those below it."""
    tree = categories.tree()
    return [(top, [one for one in tree if one.parent == top.code]) for top in tree if top.parent is None]


@bp.get("/items/<int:item_id>/listed")
@residents
def listed(item_id: int) -> Response:
    """The thing is offered: what happens next, and what looks like it."""
    item = _own(item_id)
    return page(
        "sharing/items/listed.html",
        item=item, nearby=similar.nearby_like(item), same_pictures=similar.same_pictures([item])[item.id],
    )  # fmt: skip


# --- one's own things ---


@bp.get("/items/mine")
@residents
def mine() -> Response:
    """What one lends: what is offered, what is paused, and what waits."""
    person = current_person()
    pages, shown = listed_in_pages(listings.listed_by(person))
    ids = [item.id for item in shown]
    return page(
        "sharing/items/mine.html",
        shown=shown, pages=pages, place=listings.place_of(person), loans=listings.loans_by_state(ids),
        same_pictures=similar.same_pictures(shown, person), spared_line=impact_line(impact.lent_by(person), 1),
    )  # fmt: skip


@bp.route("/items/<int:item_id>/change", methods=["GET", "POST"])
@residents
@limited(*OFTEN)
@takes_files
def change(item_id: int) -> ResponseReturnValue:
    """Change what is said of a thing, its terms, pieces and pictures."""
    item = _own(item_id)
    with Form(schemas.ChangedListing(), **schemas.as_typed(item)) as form:
        if form.submitted and not _more_asked(form):
            listing.change(current_person(), item, **form.data)
            tell(_("Your changes are saved."))
            return redirect(url_for(".mine", _anchor=f"item-{item_id}"), 303)
    if form.refusal:
        item = _own(item_id)  # anew: what was undone is forgotten
    subject = listing.subject(item)
    return _listing_page(
        "sharing/items/listing_change.html",
        form,
        item=item,
        changed_meanwhile=isinstance(form.refusal, errors.ChangedMeanwhile),
        pictures=of_subjects([subject])[subject],
        same_pictures=similar.same_pictures([item])[item.id],
    )


@bp.post("/items/<int:item_id>/pause")
@residents
def pause(item_id: int) -> ResponseReturnValue:
    """Offer it to nobody new for a while."""
    listing.pause(current_person(), _own(item_id))
    tell(_("Paused. What is agreed stays agreed; nobody new can ask for it."))
    return redirect(url_for(".mine", _anchor=f"item-{item_id}"), 303)


@bp.post("/items/<int:item_id>/resume")
@residents
def resume(item_id: int) -> ResponseReturnValue:
    """Offer it again."""
    listing.resume(current_person(), _own(item_id))
    tell(_("Neighbours can find and borrow it again."))
    return redirect(url_for(".mine", _anchor=f"item-{item_id}"), 303)


@bp.route("/items/<int:item_id>/withdraw", methods=["GET", "POST"])
@residents
def withdraw(item_id: int) -> ResponseReturnValue:
    """Lend it no more, after reading what that means."""
    item = _own(item_id)
    with Form(schemas.Nothing()) as form:
        if form.submitted:
            listing.withdraw(current_person(), item)
            tell(_("It is withdrawn. Thank you for having lent it."))
            return redirect(url_for(".mine"), 303)
    return form.page("sharing/items/listing_withdraw.html", item=_own(item_id), going_on=listings.loans_going_on(item))


def _own(item_id: int) -> Item:
    item = listings.get_item(item_id)
    reveal_by_role(policy.may_edit, current_person(), item)
    return item


# --- where they are fetched ---


@bp.route("/items/place", methods=["GET", "POST"])
@residents
@limited(*OFTEN)
def place() -> ResponseReturnValue:
    """Say where people fetch what one lends, or change it."""
    person = current_person()
    kept = listings.place_of(person)
    with Form(schemas.PlaceDetails(), address=listings.address_of(kept) if kept else "") as form:
        if form.submitted:
            point = point_of(form.data["near"], form.data["latitude"], form.data["longitude"])
            places.save(person, point, form.data["address"])
            tell(_("Saved. Everything you lend is fetched there from now on."))
            return redirect(url_for(".mine"), 303)
    return form.page("sharing/items/place.html", place=listings.place_of(person), things=listings.count_listed(person))


@bp.post("/items/place/forget")
@residents
def forget_place() -> ResponseReturnValue:
    """Have the place forgotten, once nothing is lent there."""
    places.take_back(current_person())
    tell(_("Your pick-up place is deleted."))
    return redirect(url_for(".mine"), 303)


# --- what other floors ask ---


@hooks.account_links.register
def account_links(person: Any) -> tuple[object, list[tuple[str, str]]]:
    """What a person lends, for my page."""
    latest = db.session.scalars(listings.listed_by(person).limit(3)).all()
    own = [(item.title, url_for("listing.change", item_id=item.id)) for item in latest]
    link = (_("All things I lend"), url_for("listing.mine")) if own else (_("Lend a thing"), url_for("listing.new"))
    return _l("Things I lend"), [*own, link]
