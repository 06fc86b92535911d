"""Repairs of a library's pieces: what waits, what was done, what became of it."""

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.kernel import looking
from marketplace.kernel.errors import NotFound
from marketplace.kernel.words import _, _l
from marketplace.sharing.items import policy
from marketplace.sharing.items.models.libraries import RepairTicket
from marketplace.sharing.items.models.listing import ItemUnit
from marketplace.sharing.items.queries import counter, libraries
from marketplace.sharing.items.schemas.libraries import Confirmation, Note, Outcome, Problem
from marketplace.sharing.items.service import repairs as service
from marketplace.sharing.items.views._running import reads_about, run
from marketplace.web.access import current_person, residents, reveal_by_role
from marketplace.web.forms import Form
from marketplace.web.pages import listed, page, tell

bp = Blueprint("repairs", __name__)

looking.page("items.repair", _l("Whom a piece in repair is promised to"))


@bp.get("/libraries/<int:library_id>/repairs")
@residents
def repairs(library_id: int) -> Response:
    """The repairs that wait, or those that are closed."""
    library, waiting = run(library_id), request.args.get("show") != "closed"
    pages, shown = listed(libraries.tickets(library, waiting=waiting))
    return page("sharing/items/library/repairs.html", library=library, shown=shown, pages=pages, waiting=waiting)


@bp.route("/libraries/<int:library_id>/repairs/<code>/new", methods=["GET", "POST"])
@residents
def report(library_id: int, code: str) -> ResponseReturnValue:
    """Say what is wrong with a piece; it is not lent until it is repaired."""
    library, unit = run(library_id), _piece(library_id, code)
    with Form(Problem()) as form:
        if form.submitted:
            made = service.open_ticket(current_person(), unit, form.data["problem"])
            tell(_("The piece is in repair and is not lent meanwhile."))
            return redirect(url_for(".ticket", ticket_id=made.id), 303)
    return form.page("sharing/items/library/report.html", library=library, unit=_piece(library_id, code))


@bp.route("/libraries/repairs/<int:ticket_id>", methods=["GET", "POST"])
@residents
def ticket(ticket_id: int) -> ResponseReturnValue:
    """A repair with its notes, and the loans that count on the piece."""
    found = _ticket(ticket_id)
    with Form(Note()) as form:
        if form.submitted:
            service.add_note(current_person(), found, form.data["text"])
            return redirect(url_for(".ticket", ticket_id=found.id), 303)
    return _ticket_page(ticket_id, form)


@bp.post("/libraries/repairs/<int:ticket_id>/close")
@residents
def close(ticket_id: int) -> ResponseReturnValue:
    """Say what became of it."""
    found = _ticket(ticket_id)
    with Form(Outcome()) as form:
        if form.submitted:
            service.close(current_person(), found, form.data["outcome"])
            tell(_("The repair is closed."))
            return redirect(url_for(".repairs", library_id=found.unit.item.library_id), 303)
    return _ticket_page(ticket_id, form)


@bp.post("/libraries/<int:library_id>/pieces/<code>/lost")
@residents
def lost(library_id: int, code: str) -> ResponseReturnValue:
    """Nobody finds this piece."""
    library, unit = run(library_id), _piece(library_id, code)
    with Form(Confirmation()):
        service.lost(current_person(), unit)
        tell(_("The piece counts as missing."))
    return redirect(url_for("counter.counter", library_id=library.id, code=unit.code), 303)


@bp.post("/libraries/<int:library_id>/pieces/<code>/found")
@residents
def found(library_id: int, code: str) -> ResponseReturnValue:
    """A piece that was missing is there again."""
    library, unit = run(library_id), _piece(library_id, code)
    with Form(Confirmation()):
        service.found(current_person(), unit)
        tell(_("The piece can be lent again."))
    return redirect(url_for("counter.counter", library_id=library.id, code=unit.code), 303)


def _piece(library_id: int, code: str) -> ItemUnit:
    unit = libraries.unit_by_code(code)
    if unit is None or unit.item.library_id != library_id:
        raise NotFound
    return unit


def _ticket(ticket_id: int) -> RepairTicket:
    found = libraries.get_ticket(ticket_id)
    reveal_by_role(policy.may_edit, current_person(), found.unit.item)
    return found


def _ticket_page(ticket_id: int, form: Form) -> Response:
    found = _ticket(ticket_id)
    library = run(found.unit.item.library_id or 0)
    promised = counter.promised_pieces(found.unit) if found.is_open else []
    reads_about(library, "items.repair", {loan.borrower_id for loan in promised})
    return form.page("sharing/items/library/repair.html", library=library, ticket=found, promised=promised)
