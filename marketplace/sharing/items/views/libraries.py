"""Libraries of things for everyone: where they are, when they are open, what they lend; the address on a label."""

from typing import Any

from flask import Blueprint, Response, redirect, url_for
from flask.typing import ResponseReturnValue

from marketplace.kernel import clock, hooks
from marketplace.kernel.access import reveal
from marketplace.kernel.errors import NotFound
from marketplace.kernel.words import _l
from marketplace.sharing.items import policy
from marketplace.sharing.items.models.listing import Library
from marketplace.sharing.items.queries import libraries as queries
from marketplace.web.access import current_person, public
from marketplace.web.linked import linked, opening_hours, where
from marketplace.web.pages import listed, page, whole_address

bp = Blueprint("libraries", __name__)


@bp.get("/libraries/")
@public
def all() -> Response:  # noqa: A001 - the name of the page
    """Every library of things, with its next opening; above them those that one runs."""
    pages, shown = listed(queries.libraries())
    person = current_person()
    return page(
        "sharing/items/library/all.html",
        shown=shown, pages=pages, counts=queries.counts(shown), now=clock.now(),
        next={library.id: policy.next_opening(library, clock.now()) for library in shown},
        own=queries.run_by(person) if person else [], may_found=policy.may_found(person),
        beside=hooks.offered_beside.ask("libraries"),
    )  # fmt: skip


@bp.get("/libraries/<int:library_id>")
@public
def library(library_id: int) -> Response:
    """A library: where, when, what it lends, how to join."""
    found = queries.get_library(library_id)
    person = current_person()
    reveal(policy.may_find_library, person, found)
    pages, shown = listed(queries.offered_by(found))
    return page(
        "sharing/items/library/library.html",
        library=found, shown=shown, pages=pages, now=clock.now(), next=policy.next_opening(found, clock.now()),
        may_run=policy.may_run(person, found), may_set_up=policy.may_set_up(person, found),
        beside=hooks.offered_beside.ask("libraries"),
        linked=_linked(found) if found.open else None,
    )  # fmt: skip


def _linked(found: Library) -> dict[str, Any]:
    """The library, in its public building."""
    return linked(
        "Library",
        name=found.title,
        description=found.about,
        url=whole_address(url_for(".library", library_id=found.id)),
        telephone=found.building.phone,
        **where(found.building.address, found.building.point),
        openingHoursSpecification=opening_hours(found.hours),
    )


@bp.get("/things/<code>")
@public
def thing(code: str) -> ResponseReturnValue:
    """The address on a label: for whoever runs the library its counter, for everyone else the thing."""
    unit = queries.unit_by_code(code)
    if unit is None or unit.item.library is None:
        raise NotFound
    reveal(policy.may_find, current_person(), unit.item)
    if policy.may_run(current_person(), unit.item.library):
        return redirect(url_for("counter.counter", library_id=unit.item.library_id, code=unit.code), 303)
    return redirect(url_for("items.item", item_id=unit.item_id), 303)


# --- what other floors ask ---


@hooks.building_contents.register
def libraries_of(building: Any) -> tuple[object, list[tuple[str, str]]] | None:
    """The libraries in a building, for its page."""
    found = queries.libraries_in(building)
    links = [(one.title, url_for("libraries.library", library_id=one.id)) for one in found]
    return (_l("Libraries of things"), links) if links else None
