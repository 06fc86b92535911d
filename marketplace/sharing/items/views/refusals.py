"""How often owners decline, for administrators: a page and a file."""

from flask import Blueprint, Response

from marketplace.civic.accounts.models import Role
from marketplace.kernel import tables
from marketplace.kernel.disclosure import Shown
from marketplace.sharing.items.queries.refusals import LEAST, MONTHS, Line, figures
from marketplace.web import downloads
from marketplace.web.access import staff
from marketplace.web.pages import page

bp = Blueprint("refusals", __name__)
HEAD = ("by", "of", "declined", "accepted", "share_declined")


@bp.get("/items/refusals")
@staff(Role.ADMINISTRATOR)
def refusals() -> Response:
    """How often owners decline, by what is public of whoever asks."""
    shown = [(group.title, [_cells(line) for line in (*group.lines, group.total)]) for group in figures()]
    return page("sharing/items/loans/refusals.html", groups=shown, least=LEAST, months=MONTHS)


@bp.get("/items/refusals.csv")
@staff(Role.ADMINISTRATOR)
def refusals_csv() -> Response:
    """The same figures for programs."""
    rows = [[str(group.title), *_cells(line)] for group in figures() for line in (*group.lines, group.total)]
    return downloads.attachment(tables.csv_text(HEAD, rows), "refusals.csv", "text/csv; charset=utf-8")


def _cells(line: Line) -> list[str]:
    """A line as people and programs read it; what is hidden is a dash."""
    rate = "–" if line.rate is None else f"{100 * line.rate:.1f} %"
    return [str(line.name), _count(line.declined), _count(line.accepted), rate]


def _count(count: Shown) -> str:
    return str(count) if isinstance(count, int) else "–"
