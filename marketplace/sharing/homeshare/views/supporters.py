"""Who stands by an applicant: inviting them, agreeing, and what they see."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, redirect, url_for
from flask.typing import ResponseReturnValue

from marketplace.kernel import hooks
from marketplace.kernel.access import reveal
from marketplace.kernel.errors import NotFound
from marketplace.kernel.words import _, _l
from marketplace.sharing.homeshare import policy
from marketplace.sharing.homeshare.models.applications import ApplicationState
from marketplace.sharing.homeshare.queries import applications, appointments
from marketplace.sharing.homeshare.queries import supporters as queries
from marketplace.sharing.homeshare.schemas import applications as schemas
from marketplace.sharing.homeshare.service import supporters as service
from marketplace.sharing.homeshare.views._application import acting, seen
from marketplace.web.access import current_person, residents
from marketplace.web.forms import Form
from marketplace.web.pages import page, tell
from marketplace.web.security import Limit, limited, visitor

bp = Blueprint("homeshare_supporters", __name__)

FEW = (Limit("supporter invited", 10, timedelta(hours=1), visitor),)


@bp.route("/homeshare/applications/<reference>/supporters", methods=["GET", "POST"])
@residents
@limited(*FEW)
def supporters(reference: str) -> ResponseReturnValue:
    """Who stands by an applicant, and inviting one more."""
    found = seen(reference)
    if found.state is ApplicationState.CLOSED:
        raise NotFound
    with Form(schemas.Invited()) as form:
        if form.submitted:
            service.invite(current_person(), found, form.data["email"])
            tell(_("Invited. They see nothing until they have agreed as well."))
            return redirect(url_for(".supporters", reference=reference), 303)
    found = applications.get_application(reference)
    known = queries.of_application(found)
    return form.page("sharing/homeshare/supporters.html", **acting(found), known=known, most=service.MOST)


@bp.post("/homeshare/supporters/<int:supporter_id>/end")
@residents
def end(supporter_id: int) -> ResponseReturnValue:
    """See no more how it stands."""
    one = queries.get_supporter(supporter_id)
    service.end(current_person(), one)
    tell(_("Ended."))
    if one.person_id == current_person().id:
        return redirect(url_for("homeshare.start"), 303)
    return redirect(url_for(".supporters", reference=one.application.reference), 303)


@bp.route("/homeshare/support/<link>", methods=["GET", "POST"])
@residents
def invited(link: str) -> ResponseReturnValue:
    """Agree to stand by an applicant, or not, under the account one is signed in with."""
    one = queries.by_link(link)
    with Form(schemas.Agreeing()) as form:
        if form.submitted and form.data["answer"] == "accept":
            made = service.accept(current_person(), link)
            tell(_("Thank you. You see from now on how it stands."))
            return redirect(url_for(".supporting", supporter_id=made.id), 303)
        if form.submitted:
            service.refuse(current_person(), link)
            tell(_("You said no. You see nothing of it."))
            return redirect(url_for("homeshare.start"), 303)
    return form.page("sharing/homeshare/invited.html", link=link, name=one.application.person.name)


@bp.get("/homeshare/supporting/<int:supporter_id>")
@residents
def supporting(supporter_id: int) -> Response:
    """How the application stands and what comes next, for whoever stands by the applicant; no answers, no notes."""
    one = queries.get_supporter(supporter_id)
    reveal(policy.stands_by, current_person(), one)
    coming = appointments.coming_of(one.application)
    return page("sharing/homeshare/supporting.html", supporter=one, application=one.application, appointments=coming)


@hooks.account_links.register
def account_links(person: Any) -> tuple[object, list[tuple[str, str]]] | None:
    """By whom a person stands, for my page."""
    theirs = [
        (one.application.person.name, url_for("homeshare_supporters.supporting", supporter_id=one.id))
        for one in queries.supported_by(person.id)
    ]
    return (_l("Whom I stand by in home share"), theirs) if theirs else None
