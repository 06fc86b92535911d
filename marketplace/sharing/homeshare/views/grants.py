"""Grants for repairs: the pages of hosts, and the coordinators' queue."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, redirect, url_for
from flask.typing import ResponseReturnValue
from marshmallow import Schema

from marketplace.civic.accounts.models import Role
from marketplace.civic.uploads.queries import of_subjects
from marketplace.kernel import db, hooks, looking
from marketplace.kernel.access import reveal
from marketplace.kernel.errors import NotFound
from marketplace.kernel.hooks import Queue, Waiting
from marketplace.kernel.things import subject
from marketplace.kernel.words import _, _l
from marketplace.sharing.homeshare import policy
from marketplace.sharing.homeshare.models.grants import Grant, GrantState, Repair
from marketplace.sharing.homeshare.models.programme import programme
from marketplace.sharing.homeshare.queries import grants as queries
from marketplace.sharing.homeshare.schemas import grants as schemas
from marketplace.sharing.homeshare.service import grants
from marketplace.web.access import current_person, residents, staff
from marketplace.web.forms import Form
from marketplace.web.looking import looked
from marketplace.web.pages import listed, page, tell
from marketplace.web.security import Limit, limited, takes_files, visitor

bp = Blueprint("homeshare_grants", __name__)

SHOWN = 5
OFTEN = (Limit("grant of home share", 20, timedelta(hours=1), visitor),)
looking.page("homeshare.grant", _l("A grant for a repair that you asked for"))


# --- hosts ---


@bp.get("/homeshare/grants")
@residents
def mine() -> Response:
    """What I asked for."""
    person = current_person()
    return page(
        "sharing/homeshare/grants/mine.html",
        grants=queries.of_host(person), home=queries.own_home(person), most=programme().most_grant,
    )  # fmt: skip


@bp.route("/homeshare/grants/new", methods=["GET", "POST"])
@residents
@limited(*OFTEN)
@takes_files
def ask() -> ResponseReturnValue:
    """Ask for a sum towards a repair."""
    person = current_person()
    if (home := queries.own_home(person)) is None:
        raise NotFound
    rooms = home.rooms
    with Form(schemas.NewGrant()) as form:
        if form.submitted:
            asked = grants.ask(person, home, **form.data)
            tell(_("Sent. A coordinator decides, and we write to you."))
            return redirect(url_for(".grant", reference=asked.reference), 303)
    return form.page(
        "sharing/homeshare/grants/ask.html", repairs=list(Repair), rooms=rooms, most=programme().most_grant
    )


@bp.get("/homeshare/grants/<reference>")
@residents
def grant(reference: str) -> Response:
    """One of them, and what comes next."""
    return _page(reference, Form(Schema()))


@bp.post("/homeshare/grants/<reference>/done")
@residents
def done(reference: str) -> ResponseReturnValue:
    """Say that the work is done."""
    return _done(reference, Schema(), grants.report_done, _("Thank you. The invoice is looked at and the sum paid."))


# --- coordinators ---


@bp.get("/homeshare/staff/grants")
@staff(Role.COORDINATOR)
def queue() -> Response:
    """What waits to be decided or paid by this coordinator."""
    pages, shown = listed(queries.to_judge(current_person()))
    _on_record(*shown)
    return page("sharing/homeshare/grants/queue.html", shown=shown, pages=pages)


@bp.post("/homeshare/grants/<reference>/decide")
@staff(Role.COORDINATOR)
def decide(reference: str) -> ResponseReturnValue:
    """Grant it or not, with a reason."""

    def act(person: Any, asked: Grant, granted: bool, reason: str) -> Grant:
        return grants.grant(person, asked, reason) if granted else grants.decline(person, asked, reason)

    return _done(reference, schemas.Decision(), act, _("Decided. The host reads your reason."))


@bp.post("/homeshare/grants/<reference>/pay")
@staff(Role.COORDINATOR)
def pay(reference: str) -> ResponseReturnValue:
    """Put down that it is paid."""
    return _done(reference, schemas.Payment(), grants.pay, _("Put down as paid. The host has been told."))


@hooks.waits_at_desk.register
def waits_at_desk(person: Any) -> Queue | None:
    """Grants that this coordinator may decide or pay."""
    if not policy.may_coordinate(person):
        return None
    query = queries.to_judge(person)
    waiting = [_waiting(one) for one in db.session.scalars(query.limit(SHOWN))]
    return Queue(_l("Grants for repairs"), url_for("homeshare_grants.queue"), db.count(query), waiting)


def _waiting(one: Grant) -> Waiting:
    return Waiting(f"{one.repair.words}: {one.state.words}", url_for("homeshare_grants.grant", reference=one.reference))


# --- parts ---


def _grant(reference: str) -> Grant:
    found = queries.get_grant(reference)
    reveal(policy.may_see_grant, current_person(), found)
    return found


def _done(reference: str, schema: Schema, act: Callable[..., Any], said: str) -> ResponseReturnValue:
    found = _grant(reference)
    with Form(schema) as form:
        if form.submitted:
            act(current_person(), found, **form.data)
            tell(said)
            return redirect(url_for(".grant", reference=reference), 303)
    return _page(reference, form)


def _page(reference: str, form: Form) -> Response:
    person, found = current_person(), _grant(reference)
    _on_record(found)
    about = subject("grant", found.id)
    judges = policy.may_judge_grant(person, found)
    return form.page(
        "sharing/homeshare/grants/grant.html",
        grant=found, pictures=of_subjects([about])[about], mine=policy.asked_for(person, found),
        may_decide=judges and found.state is GrantState.ASKED,
        pays=judges and found.state is GrantState.DONE, granted_it=found.decided_by_id == person.id,
    )  # fmt: skip


def _on_record(*shown: Grant) -> None:
    """Put down for the hosts of these grants that a coordinator reads of them."""
    looked("homeshare.grant", {one.host_id: {"role": Role.COORDINATOR} for one in shown})
