"""People who speak for an applicant: naming them, and the page that a letter leads them to."""

from datetime import timedelta

from flask import Blueprint, Response, redirect, url_for
from flask.typing import ResponseReturnValue

from marketplace.kernel.errors import NotFound
from marketplace.kernel.words import LANGUAGES, _
from marketplace.sharing.homeshare.models.applications import ApplicationState
from marketplace.sharing.homeshare.models.checks import REFERENCES
from marketplace.sharing.homeshare.models.references import Relation
from marketplace.sharing.homeshare.queries import applications as applications
from marketplace.sharing.homeshare.queries import references as queries
from marketplace.sharing.homeshare.schemas import applications as schemas
from marketplace.sharing.homeshare.service import references as service
from marketplace.sharing.homeshare.views._application import acting, seen
from marketplace.web.access import current_person, public, residents
from marketplace.web.forms import Form
from marketplace.web.pages import page, tell
from marketplace.web.security import Limit, address, limited, visitor

bp = Blueprint("homeshare_references", __name__)

OFTEN = (Limit("reference named", 60, timedelta(hours=1), visitor),)
ANSWERED = (Limit("reference answered", 20, timedelta(hours=1), address),)


@bp.route("/homeshare/applications/<reference>/references", methods=["GET", "POST"])
@residents
@limited(*OFTEN)
def named(reference: str) -> ResponseReturnValue:
    """Who speaks for an applicant, and naming one more."""
    found = seen(reference)
    if found.state is ApplicationState.CLOSED:
        raise NotFound
    with Form(schemas.NewReference(), language="ko") as form:
        if form.submitted:
            service.name(current_person(), found, **form.data)
            tell(_("Saved. Tell them that the coordinators will ask them."))
            return redirect(url_for(".named", reference=reference), 303)
    found = applications.get_application(reference)
    known = applications.references_of(found)
    return form.page(
        "sharing/homeshare/references.html",
        **acting(found), named=[(one, queries.reached(one)) for one in known], relations=Relation, least=REFERENCES,
        suffice=applications.references_suffice(found, known), languages=LANGUAGES,
    )  # fmt: skip


@bp.post("/homeshare/applications/<reference>/references/<int:reference_id>/remove")
@residents
def remove(reference: str, reference_id: int) -> ResponseReturnValue:
    """Have someone named no more."""
    found, one = seen(reference), queries.get_reference(reference_id)
    if one.application_id != found.id:
        raise NotFound
    service.remove(current_person(), one)
    tell(_("Removed."))
    return redirect(url_for(".named", reference=reference), 303)


@bp.route("/homeshare/references/<link>", methods=["GET", "POST"])
@public
@limited(*ANSWERED)
def answer(link: str) -> ResponseReturnValue:
    """Say what one thinks of an applicant: whoever got the letter, once, without an account."""
    one = queries.by_link(link)
    with Form(schemas.Word()) as form:
        if form.submitted:
            service.answer(link, **form.data)
            return redirect(url_for(".thanks"), 303)
    return form.page("sharing/homeshare/word.html", link=link, about=_whom(one.of_second, one.application.person.name))


def _whom(of_second: bool, name: str) -> str:
    return _("the friend of {name}", name=name) if of_second else name


@bp.get("/homeshare/references/thanks")
@public
def thanks() -> Response:
    """What was said has arrived."""
    return page("sharing/homeshare/thanks.html")
