"""What lending spared the city: the public figures, how they are counted, and the same as a file."""

import re
from datetime import date

from flask import Blueprint, Response, request

from marketplace.kernel import tables
from marketplace.kernel.errors import NotFound
from marketplace.sharing.items.models.footprints import DISPLACEMENT, FOOTPRINTS, VERSION
from marketplace.sharing.items.queries import impact as queries
from marketplace.sharing.items.queries.impact import added
from marketplace.sharing.items.schemas import impact as schemas
from marketplace.web import downloads
from marketplace.web.access import public
from marketplace.web.pages import page

bp = Blueprint("impact", __name__)


@bp.get("/items/impact")
@public
def city() -> Response:
    """A year by month and by district, or the districts of one month."""
    years = queries.years()
    year, month = _asked(years)
    of_year = queries.published(year) if year else []
    chosen = [one for one in of_year if month in (None, one.first)]
    if year and not chosen:
        raise NotFound
    places = sorted({at for one in chosen for at in one.districts}, key=lambda at: at.name if at else "\uffff")
    return page(
        "sharing/items/impact.html",
        year=year, month=month, years=years,
        months=[(one.first, schemas.line(one.city)) for one in of_year],
        whole=schemas.line(_together([one.city for one in of_year])),
        districts=[
            (at, schemas.line(_together([one.districts[at] for one in chosen if at in one.districts])))
            for at in places
        ],
        displacement=DISPLACEMENT, version=VERSION,
        footprints=[(one, schemas.span((one.low / 1000, one.high / 1000), 1)) for one in FOOTPRINTS],
        least_loans=queries.LEAST_LOANS, least_lenders=queries.LEAST_LENDERS,
    )  # fmt: skip


def _together(cells: list[queries.Cell | None]) -> queries.Cell | None:
    """The cells that are shown as one; nothing if none is."""
    return added(cells) if any(cells) else None


def _asked(years: list[int]) -> tuple[int | None, date | None]:
    """The year and perhaps the month that the address asks for; the latest year if it asks for none."""
    asked = request.args.get("of", "")
    if not asked:
        return (years[0] if years else None), None
    if not re.fullmatch(r"[0-9]{4}(-(0[1-9]|1[0-2]))?", asked) or int(asked[:4]) not in years:
        raise NotFound
    year = int(asked[:4])
    return year, date(year, int(asked[5:]), 1) if asked[4:] else None


@bp.get("/items/impact.csv")
@public
def city_csv() -> Response:
    """Every month for programs."""
    rows = list(schemas.table(queries.published()))
    return downloads.attachment(tables.csv_text(schemas.HEAD, rows), "impact.csv", "text/csv; charset=utf-8")
