"""For administrators: which systems of the city are told what happens, and whether they were."""

from datetime import time, timedelta

from flask import Blueprint, redirect, request, session, url_for

from marketplace.civic.webhooks import queries, schemas, service
from marketplace.civic.webhooks.models import OFF_REASONS, STATES, TROUBLES, DeliveryState
from marketplace.kernel import clock, events
from marketplace.kernel.words import _, ngettext
from marketplace.web.access import current_person, staff, stepped_up
from marketplace.web.forms import Form
from marketplace.web.pages import listed, page, tell

bp = Blueprint("webhooks", __name__, url_prefix="/staff/webhooks")


def _choices() -> list[tuple[str, str]]:
    return [(kind.name, str(kind.title)) for kind in events.kinds()]


@bp.get("/")
@staff("administrator")
def endpoints():
    """Every system that is told what happens."""
    return page("civic/webhooks/endpoints.html", endpoints=queries.all_endpoints(), kinds=dict(_choices()))


@bp.route("/new", methods=["GET", "POST"])
@staff("administrator")
@stepped_up
def register():
    """Tell one more system."""
    with Form(schemas.EndpointDetails()) as form:
        if form.submitted:
            endpoint, secret = service.register(current_person(), **form.data)
            session["new_secret"] = secret
            return redirect(url_for(".endpoint", endpoint_id=endpoint.id), 303)
    return form.page("civic/webhooks/register.html", choices=_choices())


@bp.get("/<int:endpoint_id>")
@staff("administrator")
def endpoint(endpoint_id: int):
    """One system, what it was sent and what it answered."""
    found = queries.endpoint(endpoint_id)
    state = next((one for one in DeliveryState if one.value == request.args.get("state")), None)
    pages, deliveries = listed(queries.deliveries(found.id, state))
    new = session.pop("new_secret", None)
    response = page(
        "civic/webhooks/endpoint.html",
        endpoint=found,
        kinds=dict(_choices()),
        deliveries=deliveries,
        pages=pages,
        state=state,
        states=STATES,
        troubles=TROUBLES,
        off_reasons=OFF_REASONS,
        old_until=found.old_secret_until if found.old_secret_until and clock.now() < found.old_secret_until else None,
        new=new,
    )
    if new:
        response.headers["Cache-Control"] = "no-store"
    return response


@bp.route("/<int:endpoint_id>/change", methods=["GET", "POST"])
@staff("administrator")
@stepped_up
def change(endpoint_id: int):
    """Tell the system elsewhere, or of other news."""
    found = queries.endpoint(endpoint_id)
    with Form(schemas.EndpointDetails(), url=found.url, description=found.description, kinds=found.kinds) as form:
        if form.submitted:
            service.change(current_person(), found, **form.data)
            tell(_("The webhook is saved."))
            return redirect(url_for(".endpoint", endpoint_id=found.id), 303)
    return form.page("civic/webhooks/change.html", endpoint=found, choices=_choices())


@bp.post("/<int:endpoint_id>/secret")
@staff("administrator")
@stepped_up
def rotate(endpoint_id: int):
    """Sign with another secret; the old one signs beside it for a day."""
    session["new_secret"] = service.rotate(current_person(), queries.endpoint(endpoint_id))
    return redirect(url_for(".endpoint", endpoint_id=endpoint_id), 303)


@bp.post("/<int:endpoint_id>/on")
@staff("administrator")
def switch_on(endpoint_id: int):
    """Send again from now on."""
    service.switch(current_person(), queries.endpoint(endpoint_id), on=True)
    tell(_("The webhook is on. What failed meanwhile can be sent again below."))
    return redirect(url_for(".endpoint", endpoint_id=endpoint_id), 303)


@bp.post("/<int:endpoint_id>/off")
@staff("administrator")
def switch_off(endpoint_id: int):
    """Send nothing for now."""
    service.switch(current_person(), queries.endpoint(endpoint_id), on=False)
    tell(_("The webhook is switched off."))
    return redirect(url_for(".endpoint", endpoint_id=endpoint_id), 303)


@bp.route("/<int:endpoint_id>/remove", methods=["GET", "POST"])
@staff("administrator")
def remove(endpoint_id: int):
    """Forget a system, once that is meant."""
    found = queries.endpoint(endpoint_id)
    if request.method == "POST":
        service.remove(current_person(), found)
        tell(_("The webhook is removed."))
        return redirect(url_for(".endpoints"), 303)
    return page("civic/webhooks/remove.html", endpoint=found)


@bp.post("/<int:endpoint_id>/try")
@staff("administrator")
def try_out(endpoint_id: int):
    """Send news of nothing."""
    service.try_out(current_person(), queries.endpoint(endpoint_id))
    tell(_("It is on its way. Load this page again in a moment to see what was answered."))
    return redirect(url_for(".endpoint", endpoint_id=endpoint_id), 303)


@bp.post("/<int:endpoint_id>/deliveries/<int:delivery_id>/replay")
@staff("administrator")
def replay(endpoint_id: int, delivery_id: int):
    """Send one piece of news again."""
    service.replay(current_person(), queries.delivery(endpoint_id, delivery_id))
    tell(_("It is sent again, under the same webhook-id."))
    return redirect(url_for(".endpoint", endpoint_id=endpoint_id), 303)


@bp.route("/<int:endpoint_id>/replay", methods=["GET", "POST"])
@staff("administrator")
def replay_failed(endpoint_id: int):
    """Send again what failed since a moment."""
    found = queries.endpoint(endpoint_id)
    with Form(schemas.Since(), day=(clock.today() - timedelta(days=1)).isoformat(), time="00:00") as form:
        if form.submitted:
            begins: time = form.data["time"] or time()
            since = clock.at(form.data["day"], begins.hour * 60 + begins.minute)
            count = service.replay_failed(current_person(), found, since)
            tell(ngettext("{n} message is sent again.", "{n} messages are sent again.", count))
            return redirect(url_for(".endpoint", endpoint_id=found.id), 303)
    return form.page("civic/webhooks/replay.html", endpoint=found, most=service.MOST_REPLAYED)
