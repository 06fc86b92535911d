"""The line for a thing that others have."""

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.kernel.access import reveal
from marketplace.kernel.words import _
from marketplace.sharing.items import policy
from marketplace.sharing.items.queries import line as lines
from marketplace.sharing.items.queries import listings
from marketplace.sharing.items.queries import loans as queries
from marketplace.sharing.items.schemas import loans as schemas
from marketplace.sharing.items.service import line
from marketplace.sharing.items.views._loan import OFTEN
from marketplace.web.access import current_person, residents
from marketplace.web.forms import Form
from marketplace.web.pages import tell
from marketplace.web.security import limited

bp = Blueprint("line", __name__)


@bp.route("/items/<int:item_id>/wait", methods=["GET", "POST"])
@residents
@limited(*OFTEN)
def wait(item_id: int) -> ResponseReturnValue:
    """The line for a thing that others have: join it, see one's place, or leave."""
    person, item = current_person(), listings.get_item(item_id)
    reveal(policy.may_know, person, item, queries.member_of(person, item))
    with Form(schemas.Wait(), days=request.args.get("days", 1)) as form:
        if form.submitted:
            line.join(person, item, form.data["days"])
            tell(_("You are in line. We write to you when it is your turn."))
            return redirect(url_for(".wait", item_id=item_id), 303)
    if form.refusal:
        item = listings.get_item(item_id)
    place = lines.place_of(person, item)
    return form.page(
        "sharing/items/loans/wait.html",
        item=item, place=place, position=lines.position_of(place) if place else None,
        expected=lines.expected(item, place.days) if place else None, waiting=len(lines.waiting(item)),
        offered=lines.kept(place) if place else None,
        barred=policy.person_rule(item, person, queries.member_of(person, item)),
    )  # fmt: skip


@bp.post("/items/<int:item_id>/wait/leave")
@residents
def leave(item_id: int) -> ResponseReturnValue:
    """Wait no longer."""
    item = listings.get_item(item_id)
    place = lines.place_of(current_person(), item)
    if place is not None:
        line.pass_on(place, item)
        tell(_("You are no longer in line."))
    return redirect(url_for(".wait", item_id=item_id), 303)
