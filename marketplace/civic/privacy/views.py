"""One's own data: a copy of it, who looked at it, and leaving."""

from typing import Any

from flask import Blueprint, Response, current_app, redirect, request, send_file, session, url_for
from flask.typing import ResponseReturnValue

from marketplace.civic.accounts.schemas import Nothing
from marketplace.civic.privacy import errors, policy, queries, schemas
from marketplace.civic.privacy.service import erasure, exports
from marketplace.kernel import clock, hooks, retention, storage
from marketplace.kernel.access import reveal
from marketplace.kernel.errors import NotFound
from marketplace.kernel.words import _, _l
from marketplace.web.access import current_person, mark_of, residents, stepped_up
from marketplace.web.errors import wants_json
from marketplace.web.forms import Form
from marketplace.web.pages import listed, page, tell

bp = Blueprint("privacy", __name__)

STILL_OPEN = {"privacy", "factors"}
"""What someone about to be erased can still use: to change their mind, fetch their data, prove who they are."""


@bp.before_app_request
def hold_back_who_leaves() -> ResponseReturnValue | None:
    """Whoever asked to be erased is asked, wherever they go, whether they want to stay."""
    mark = mark_of(current_app, str(request.endpoint)) if request.endpoint else None
    if mark is None or mark.everyone or request.blueprint in STILL_OPEN or not policy.is_leaving(current_person()):
        return None
    if wants_json():
        raise errors.AboutToBeErased
    return redirect(url_for("privacy.erase"), 303)


# --- a copy ---


@bp.route("/account/data", methods=["GET", "POST"])
@residents
@stepped_up
def data() -> ResponseReturnValue:
    """Ask for a copy of one's data, see how far it is, and fetch it."""
    person = current_person()
    with Form(Nothing()) as form:
        if form.submitted:
            exports.ask(person)
            tell(_("We are making a copy of your data. You get a letter when it is ready."))
            return redirect(url_for(".data"), 303)
    return form.page(
        "civic/privacy/data.html",
        export=queries.latest_export(person),
        today=clock.today(),
        leaving=policy.is_leaving(person),
    )


@bp.get("/account/data/<int:export_id>")
@residents
@stepped_up
def fetch(export_id: int) -> Response:
    """The file, for whom it is about and nobody else."""
    export = queries.export(export_id)
    reveal(policy.may_fetch, current_person(), export)
    try:
        file = storage.store().open(exports.file_of(export.key))
    except storage.Missing:
        raise NotFound from None
    name = f"maeul-{export.asked_on.isoformat()}.zip"
    response = send_file(file, "application/zip", as_attachment=True, download_name=name, max_age=0)
    response.headers["Cache-Control"] = "no-store"
    return response


# --- leaving ---


@bp.route("/account/erase", methods=["GET", "POST"])
@residents
@stepped_up
def erase() -> ResponseReturnValue:
    """What is lost, what stays nameless, what is in the way; and a week to change one's mind."""
    person = current_person()
    if policy.is_leaving(person):
        return page("civic/privacy/leaving.html", day=clock.local(person.erase_at).date())
    with Form(schemas.Leaving()) as form:
        if form.submitted:
            erasure.ask(person, **form.data)
            day = clock.local(person.erase_at).date()
            session.clear()
            return page("civic/privacy/goodbye.html", day=day)
    return form.page(
        "civic/privacy/erase.html",
        obstacles=queries.obstacles(person),
        given_up=hooks.coming_up.ask(person),
        kept=retention.all_kept(),
        Erased=retention.Erased,
        days=policy.CHANGE_OF_MIND.days,
    )


@bp.post("/account/erase/stop")
@residents
def stay() -> ResponseReturnValue:
    """Keep the account after all."""
    erasure.stay(current_person())
    tell(_("Your account stays."))
    return redirect(url_for("accounts.profile"), 303)


# --- who looked ---


@bp.get("/account/looked")
@residents
def looked() -> Response:
    """When staff read one's data, in which role, and on which page."""
    pages, entries = listed(queries.readings_of(current_person()))
    return page("civic/privacy/looked.html", readings=queries.told(entries), pages=pages)


@hooks.account_links.register
def account_links(_person: Any) -> tuple[object, list[tuple[str, str]]]:
    """The pages above, for my page."""
    return _l("Your data"), [
        (_("A copy of your data"), url_for("privacy.data")),
        (_("Who looked at your data"), url_for("privacy.looked")),
        (_("Have your account erased"), url_for("privacy.erase")),
    ]
