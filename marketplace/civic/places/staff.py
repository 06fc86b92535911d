"""Where managers of a building keep its facts right."""

from flask import Blueprint, redirect, url_for

from marketplace.civic.places import policy, queries, service
from marketplace.civic.places.errors import ChangedMeanwhile
from marketplace.civic.places.schemas import EditBuilding
from marketplace.kernel.access import permit
from marketplace.kernel.words import _
from marketplace.web.access import current_person, staff
from marketplace.web.forms import Form
from marketplace.web.pages import tell

bp = Blueprint("places_staff", __name__)


@bp.route("/buildings/<int:building_id>/edit", methods=["GET", "POST"])
@staff("manager", "administrator")
def edit(building_id: int):
    """Correct the accessibility facts, telephone number and description of a building."""
    building = queries.get_building(building_id)
    permit(policy.may_edit, current_person(), building)
    with Form(EditBuilding(), **EditBuilding().dump(building)) as form:
        if form.submitted:
            service.edit_building(current_person(), building, **form.data)
            tell(_("The facts about {name} are saved.", name=building.title))
            return redirect(url_for("places.building", building_id=building.id), 303)
    return form.page(
        "civic/places/edit.html", building=building, changed_meanwhile=isinstance(form.refusal, ChangedMeanwhile)
    )
