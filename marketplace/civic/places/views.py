"""Pages about buildings that everyone may read."""

from collections.abc import Sequence

from flask import Blueprint, url_for

from marketplace.civic.places import policy, queries
from marketplace.civic.places.models import Building
from marketplace.civic.places.schemas import FindBuildings
from marketplace.kernel import hooks
from marketplace.kernel.words import _
from marketplace.web import maps
from marketplace.web.access import current_person, public
from marketplace.web.forms import Form
from marketplace.web.pages import page, paging

bp = Blueprint("places", __name__)


@bp.get("/buildings/")
@public
def buildings():
    """Public buildings, by district and words, with a map beside the list."""
    form = Form(FindBuildings(), method="GET")
    code, words = form.data.get("district", ""), form.data.get("words", "")
    districts = queries.districts()
    district = next((known for known in districts if known.code == code), None)
    if code and district is None:
        form.refuse("district", _("There is no such district here."))
    district_id = district.id if district else None
    pages = paging(0 if form.errors else queries.count_buildings(district_id, words))
    found = queries.buildings(district_id, words, limit=pages.size, offset=pages.offset) if pages.total else []
    return form.page(
        "civic/places/buildings.html",
        districts=districts,
        pages=pages,
        found=list(enumerate(found, pages.offset + 1)),
        picture=_picture(found, pages.offset + 1, close=bool(district or words)),
    )


@bp.get("/buildings/<int:building_id>")
@public
def building(building_id: int):
    """What is known about a building, and what it offers."""
    shown = queries.get_building(building_id)
    return page(
        "civic/places/building.html",
        building=shown,
        sections=hooks.building_contents.ask(shown),
        picture=_picture([shown], 1, close=True) if shown.point else None,
        may_edit=policy.may_edit(current_person(), shown),
    )


def _picture(found: Sequence[Building], first: int, *, close: bool) -> maps.Picture | None:
    """The districts, and those of the buildings whose place is known under their numbers in the list."""
    outlines = queries.district_outlines()
    pins = [
        (number, of.title, url_for(".building", building_id=of.id), of.point.longitude, of.point.latitude)
        for number, of in enumerate(found, first)
        if of.point
    ]
    return maps.draw(outlines, pins, close=close) if outlines or pins else None
