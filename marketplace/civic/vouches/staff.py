"""For managers of buildings: whom the building knows, vouching for someone, and ending it."""

from flask import Blueprint, Response, redirect, url_for
from flask.typing import ResponseReturnValue

from marketplace.civic.accounts.models import Person, Role
from marketplace.civic.accounts.queries import somebody
from marketplace.civic.accounts.views import HOUR, own_session
from marketplace.civic.vouches import policy, queries, schemas, service
from marketplace.civic.vouches.models import Vouch
from marketplace.kernel import looking
from marketplace.kernel.access import reveal
from marketplace.kernel.words import _, _l
from marketplace.web.access import current_person, staff
from marketplace.web.forms import Form
from marketplace.web.looking import looked
from marketplace.web.pages import listed, tell
from marketplace.web.security import Limit, limited

bp = Blueprint("vouches_staff", __name__, url_prefix="/vouches/staff")

VOUCHED = Limit("vouched for", 30, HOUR, own_session)
"""Each is told to someone, and says whether an address has an account."""

looking.page("vouches.list", _l("People a building vouches for"))


@bp.get("/")
@staff(Role.MANAGER)
def vouches() -> Response:
    """Whom one's buildings vouch for, and who has not answered yet."""
    pages, shown = listed(queries.by_buildings(current_person().building_ids))
    _on_record(*shown)
    return Form(schemas.Nothing()).page("civic/vouches/staff.html", shown=shown, pages=pages)


@bp.route("/new", methods=["GET", "POST"])
@staff(Role.MANAGER)
@limited(VOUCHED)
def new() -> ResponseReturnValue:
    """Vouch for someone in the name of one of one's buildings."""
    manager: Person = current_person()
    own = manager.building_ids
    with Form(schemas.NewVouch(), building=own[0] if len(own) == 1 else None) as form:
        if form.submitted:
            person = somebody(form.data["email"])
            service.vouch(manager, form.data["building"], person)
            tell(_("{name} is told and has to agree before anyone sees it.", name=person.name))
            return redirect(url_for(".vouches"), 303)
    return form.page("civic/vouches/new.html", buildings=queries.buildings(own))


@bp.route("/<int:vouch_id>/end", methods=["GET", "POST"])
@staff(Role.MANAGER)
def end(vouch_id: int) -> ResponseReturnValue:
    """End it for the building, with a reason that the person reads."""
    found = queries.get_vouch(vouch_id)
    reveal(policy.may_vouch, current_person(), found.building_id)
    with Form(schemas.Why()) as form:
        if form.submitted:
            service.end(current_person(), found, form.data["reason"])
            tell(_("Ended. The person is told, and reads your reason."))
            return redirect(url_for(".vouches"), 303)
    found = queries.get_vouch(vouch_id)
    _on_record(found)
    return form.page("civic/vouches/end.html", vouch=found)


def _on_record(*shown: Vouch) -> None:
    """Put down for these people that a manager reads their names."""
    looked("vouches.list", {one.person_id: {"role": Role.MANAGER, "building_id": one.building_id} for one in shown})
