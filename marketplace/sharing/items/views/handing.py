"""Handing a thing over and bringing it back: saying how it is, showing the code, entering it and agreeing."""

from datetime import timedelta

import segno
from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from marketplace.civic.uploads.queries import of_subjects
from marketplace.kernel.access import permit
from marketplace.kernel.errors import NotFound
from marketplace.kernel.things import subject
from marketplace.kernel.words import _
from marketplace.sharing.items import policy
from marketplace.sharing.items.models.lending import Way
from marketplace.sharing.items.models.listing import Condition
from marketplace.sharing.items.queries import loans as queries
from marketplace.sharing.items.schemas import loans as schemas
from marketplace.sharing.items.service import handing
from marketplace.sharing.items.views._loan import seen
from marketplace.web import security
from marketplace.web.access import current_person, residents
from marketplace.web.forms import Form
from marketplace.web.pages import page, tell, whole_address
from marketplace.web.security import Limit, limited, takes_files

bp = Blueprint("handing", __name__)

GUESSES = (Limit("code of a hand-over", 30, timedelta(hours=1), security.visitor),)


@bp.route("/items/loans/<reference>/give/<way>", methods=["GET", "POST"])
@residents
@takes_files
def give(reference: str, way: str) -> ResponseReturnValue:
    """Say how it is that one hands over."""
    direction = _way(way)
    found, person = seen(reference), current_person()
    permit(policy.may_give, person, found, direction)
    before = queries.handovers_of(found).get(Way.OUT)
    usual = before.condition if before else found.item.condition
    counts = [part.count * found.quantity for part in found.item.accessories]
    with Form(schemas.Giving(), condition=usual.value, count=[str(count) for count in counts]) as form:
        if form.submitted:
            handing.offer(person, found, direction, **form.data)
            return redirect(url_for(".code", reference=found.reference, way=way), 303)
    if form.refusal:
        found = seen(reference)
    return form.page(
        "sharing/items/loans/give.html",
        loan=found, item=found.item, way=way, conditions=list(Condition),
        expected=[(part.name, part.count * found.quantity) for part in found.item.accessories],
    )  # fmt: skip


@bp.get("/items/loans/<reference>/code/<way>")
@residents
def code(reference: str, way: str) -> ResponseReturnValue:
    """The six digits to show to the other side, and the same as a picture for their telephone."""
    direction = _way(way)
    found = seen(reference)
    permit(policy.may_give, current_person(), found, direction)
    handover = queries.handovers_of(found).get(direction)
    if handover is None or handover.taken_at or found.state is not handing.BEFORE[direction]:
        return redirect(url_for("loans.loan", reference=found.reference), 303)
    digits = handing.code_of(handover)
    link = whole_address(url_for(".take", reference=found.reference, way=way, code=digits))
    picture = segno.make(link, error="m", micro=False).svg_inline(omitsize=True, light="white", lineclass=None)
    response = page(
        "sharing/items/loans/code.html",
        loan=found, item=found.item, way=way, digits=digits, used_up=handover.tries >= handing.TRIES,
        picture=Markup(picture),  # noqa: S704 - drawn here
    )  # fmt: skip
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.route("/items/loans/<reference>/take/<way>", methods=["GET", "POST"])
@residents
@limited(*GUESSES)
@takes_files
def take(reference: str, way: str) -> ResponseReturnValue:
    """Enter the code, read what the giver says of the thing, and agree or say what is different."""
    direction = _way(way)
    found, person = seen(reference), current_person()
    permit(policy.may_take, person, found, direction)
    form = Form(schemas.Taking(), code=request.args.get("code"))
    wrong = handing.try_code(found, direction, form.data["code"]) if form.submitted else None
    with form:
        if form.submitted:
            if wrong:
                raise wrong
            if form.data["answer"]:
                told = {"remark": form.data["remark"], "pictures": form.data["pictures"]}
                handing.take(person, found, direction, form.data["code"], agreed=form.data["answer"] == "yes", **told)
                tell(_("Both of you have confirmed it."))
                return redirect(url_for("loans.loan", reference=found.reference), 303)
            if form.data["seen"]:
                form.refuse("answer", _("Choose whether it is so."))
    if wrong:
        security.keep()  # the try counts
    if form.refusal:
        found = seen(reference)
    handover = queries.handovers_of(found).get(direction) if form.sent and not wrong and form.data.get("code") else None
    return form.page(
        "sharing/items/loans/take.html",
        loan=found, item=found.item, way=way, handover=handover,
        pictures=of_subjects([subject("handover", handover.id)]) if handover else {},
    )  # fmt: skip


def _way(text: str) -> Way:
    """Out of the house, or back."""
    found = next((way for way in Way if way.value == text), None)
    if found is None:
        raise NotFound
    return found
