"""Saved searches of one's own: saving one from the search page, keeping and deleting it."""

from typing import Any

from flask import Blueprint, Response, redirect, url_for
from flask.typing import ResponseReturnValue

from marketplace.civic.places import queries as places
from marketplace.kernel import hooks
from marketplace.kernel.words import _, _l
from marketplace.sharing.items.models import categories
from marketplace.sharing.items.models.searches import SavedSearch
from marketplace.sharing.items.queries import searches as queries
from marketplace.sharing.items.queries.search import point
from marketplace.sharing.items.schemas.listing import Nothing
from marketplace.sharing.items.schemas.search import ItemSearch, wanted
from marketplace.sharing.items.service import searches as service
from marketplace.web.access import current_person, residents
from marketplace.web.forms import Form
from marketplace.web.pages import tell

bp = Blueprint("searches", __name__)


@bp.route("/items/searches", methods=["GET", "POST"])
@residents
def mine() -> ResponseReturnValue:
    """What one saved; sent, the search that is to be saved."""
    with Form(ItemSearch()) as form:
        if form.submitted:
            asked = {name: form.data.get(name) for name in ("near", "latitude", "longitude")}
            service.save(current_person(), wanted(form.data, point(**asked)), asked["near"] or "")
            tell(_("Saved. Once a day we tell you of new things that match."))
            return redirect(url_for(".mine"), 303)
    return _page(form)


def _page(form: Form) -> Response:
    shown = queries.searches_of(current_person())
    districts = {one.id: one.name for one in places.districts()}
    return form.page(
        "sharing/items/searches.html",
        shown=shown, districts=districts, titles={one.code: one.title for one in categories.tree()},
        most=service.MOST_SAVED, ends={one.id: one.kept_at + service.KEPT for one in shown},
    )  # fmt: skip


@bp.post("/items/searches/<int:search_id>/keep")
@residents
def keep(search_id: int) -> ResponseReturnValue:
    """Say that it is still wanted."""
    return _done(search_id, service.keep, _("Kept for another year."))


@bp.post("/items/searches/<int:search_id>/delete")
@residents
def delete(search_id: int) -> ResponseReturnValue:
    """Be told of such things no more."""
    return _done(search_id, service.delete, _("Deleted. You are told of such things no more."))


def _done(search_id: int, act: Any, said: str) -> ResponseReturnValue:
    saved: SavedSearch = queries.get_search(current_person(), search_id)
    with Form(Nothing()) as form:
        if form.submitted:
            act(saved)
            tell(said)
    return redirect(url_for(".mine"), 303)


@hooks.account_links.register
def account_links(_person: Any) -> tuple[object, list[tuple[str, str]]]:
    """The way to one's saved searches, for my page."""
    return _l("Saved searches"), [(_("Searches I saved"), url_for("searches.mine"))]
