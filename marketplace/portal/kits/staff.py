"""Kits for those who run the building: making them, what belongs to them, who booked them."""

from typing import Any

from flask import Blueprint, Response, redirect, url_for
from flask.typing import ResponseReturnValue

from marketplace.civic.accounts.models import Role
from marketplace.kernel import db, looking
from marketplace.kernel.access import reveal
from marketplace.kernel.errors import NotFound
from marketplace.kernel.words import _, _l
from marketplace.portal.kits import errors, policy
from marketplace.portal.kits.models import Kit
from marketplace.portal.kits.queries import bookings as booking_queries
from marketplace.portal.kits.queries import kits as queries
from marketplace.portal.kits.schemas import Change, NewKit, NewPart, Nothing, part_choices
from marketplace.portal.kits.service import running
from marketplace.sharing.items.queries.listings import by_id as items_by_id
from marketplace.sharing.spaces.queries.rooms import managed_building_ids, spaces
from marketplace.web.access import current_person, staff
from marketplace.web.forms import Form
from marketplace.web.looking import looked
from marketplace.web.pages import listed, page, tell

bp = Blueprint("kits_staff", __name__)

MANAGERS = (Role.MANAGER, Role.ADMINISTRATOR)
SHOWN = 20

looking.page("kits.bookings", _l("The list of a building's booked kits"))
looking.page("kits.booking", _l("A kit that you booked"))


@bp.get("/kits/staff/")
@staff(*MANAGERS)
def managed() -> Response:
    """The kits one runs, and who comes for them."""
    person = current_person()
    pages, shown = listed(queries.run_by(person))
    coming = db.session.scalars(booking_queries.booked_at(managed_building_ids(person)).limit(SHOWN)).all()
    looked("kits.bookings", {one.person_id: policy.office(person, one.kit.building_id) for one in coming})
    return page(
        "portal/kits/managed.html",
        shown=shown,
        pages=pages,
        coming=coming,
        lacks={kit.id: policy.lacks(kit) for kit in shown},
    )


@bp.route("/kits/staff/new", methods=["GET", "POST"])
@staff(*MANAGERS)
def new() -> ResponseReturnValue:
    """Begin a kit."""
    person = current_person()
    with Form(NewKit()) as form:
        if form.submitted:
            made = running.make(person, form.data.pop("building"), **form.data)
            return redirect(url_for(".change", kit_id=made.id), 303)
    return form.page("portal/kits/new.html", buildings=queries.run_buildings(person))


@bp.route("/kits/<int:kit_id>/change", methods=["GET", "POST"])
@staff(*MANAGERS)
def change(kit_id: int) -> ResponseReturnValue:
    """What a kit says of itself, what belongs to it, and whether it is offered."""
    kit = _managed(kit_id)
    schema = Change()
    with Form(schema, **{name: getattr(kit, name) for name in schema.fields}) as form:
        if form.submitted:
            running.change(current_person(), kit, **form.data)
            tell(_("The kit is saved."))
            return redirect(url_for("kits.kit", kit_id=kit.id), 303)
    return _change_page(kit_id, form)


@bp.post("/kits/<int:kit_id>/parts")
@staff(*MANAGERS)
def add_part(kit_id: int) -> ResponseReturnValue:
    """Put a room or a thing into a kit."""
    kit = _managed(kit_id)
    with Form(NewPart()) as form:
        if form.submitted:
            running.add_part(current_person(), kit, _part(*form.data["part"]), form.data["quantity"])
            return redirect(url_for(".change", kit_id=kit.id, _anchor="parts"), 303)
    return _change_page(kit_id, form)


@bp.post("/kits/<int:kit_id>/parts/<int:part_id>/remove")
@staff(*MANAGERS)
def remove_part(kit_id: int, part_id: int) -> ResponseReturnValue:
    """Take a part out of a kit."""
    kit = _managed(kit_id)
    with Form(Nothing()):
        running.remove_part(current_person(), kit, part_id)
    return redirect(url_for(".change", kit_id=kit.id, _anchor="parts"), 303)


def _managed(kit_id: int) -> Kit:
    kit = queries.get_kit(kit_id)
    reveal(policy.may_manage, current_person(), kit)
    return kit


def _part(kind: str, number: int) -> Any:
    """The room or the thing of a number. Raises NotFound."""
    found = next(iter(spaces([number])), None) if kind == "space" else items_by_id([number]).get(number)
    if found is None:
        raise NotFound
    return found


def _change_page(kit_id: int, form: Form) -> Response:
    kit = queries.get_kit(kit_id)
    rooms, things = queries.rooms_in(kit.building_id), queries.things_in(kit.building_id)
    return form.page(
        "portal/kits/change.html",
        kit=kit, choices=part_choices(kit, rooms, things), lacks=policy.lacks(kit),
        together=policy.is_together(kit), adding=isinstance(form.schema, NewPart),
        changed_meanwhile=isinstance(form.refusal, errors.ChangedMeanwhile),
    )  # fmt: skip
