"""Taking stock of a library: start, scan one code after another, finish, and see what is missing."""

from flask import Blueprint, Response, redirect, url_for
from flask.typing import ResponseReturnValue

from marketplace.kernel import db
from marketplace.kernel.words import _
from marketplace.sharing.items.models.libraries import StockTake
from marketplace.sharing.items.models.listing import Library
from marketplace.sharing.items.queries import stock as queries
from marketplace.sharing.items.schemas.libraries import Confirmation, Counted
from marketplace.sharing.items.service import stock as service
from marketplace.sharing.items.views._running import run
from marketplace.web.access import current_person, residents
from marketplace.web.forms import Form
from marketplace.web.pages import listed, page, tell

bp = Blueprint("stock", __name__)

LAST_SHOWN = 10


@bp.route("/libraries/<int:library_id>/stock", methods=["GET", "POST"])
@residents
def takes(library_id: int) -> ResponseReturnValue:
    """The counts there were; a button starts one."""
    library = run(library_id)
    with Form(Confirmation()) as form:
        if form.submitted:
            made = service.start(current_person(), library)
            return redirect(url_for(".take", take_id=made.id), 303)
    pages, shown = listed(queries.takes(library))
    return form.page("sharing/items/library/stock.html", library=library, shown=shown, pages=pages)


@bp.route("/libraries/stock/<int:take_id>", methods=["GET", "POST"])
@residents
def take(take_id: int) -> ResponseReturnValue:
    """Scan one code after another; once it is finished, its report."""
    found, library = _take(take_id)
    with Form(Counted()) as form:
        if form.submitted:
            service.see(current_person(), library, found, form.data["code"])
            return redirect(url_for(".take", take_id=found.id), 303)
    found, library = _take(take_id)
    if found.finished_at is not None:
        return _report(library, found, form)
    last = db.session.scalars(queries.seen(found).limit(LAST_SHOWN)).all()
    return form.page(
        "sharing/items/library/count.html",
        library=library, take=found, last=last, expected=queries.expected(library),
        missing=db.count(queries.missing(library, found)),
    )  # fmt: skip


@bp.post("/libraries/stock/<int:take_id>/finish")
@residents
def finish(take_id: int) -> ResponseReturnValue:
    """End a count."""
    found, library = _take(take_id)
    with Form(Confirmation()):
        service.finish(current_person(), library, found)
        tell(_("The count is finished."))
    return redirect(url_for(".take", take_id=found.id), 303)


def _take(take_id: int) -> tuple[StockTake, Library]:
    found = queries.get_take(take_id)
    return found, run(found.library_id)


def _report(library: Library, found: StockTake, form: Form) -> Response:
    pages, missing = listed(queries.missing(library, found))
    answer = page(
        "sharing/items/library/missing.html",
        library=library, take=found, missing=missing, pages=pages, form=form,
        turned_up=db.session.scalars(queries.turned_up(library, found)).all(),
        strange=db.session.scalars(queries.strange(library, found)).all(), seen=db.count(queries.seen(found)),
    )  # fmt: skip
    answer.status_code = form.status
    return answer
