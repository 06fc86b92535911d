"""Counting what was lent in the months that are over, each of them once."""

from dataclasses import astuple
from datetime import date

from marketplace.kernel import clock, db
from marketplace.sharing.items.models.impact import LendingMonth
from marketplace.sharing.items.queries import impact as queries


def record_months() -> None:
    """Count every month that is over and was not counted."""
    last, began = queries.last_recorded(), queries.first_return()
    month = queries.next_month(last) if last else began.replace(day=1) if began else None
    while month is not None and queries.next_month(month) <= clock.today():
        _record(month)
        month = queries.next_month(month)


def _record(month: date) -> None:
    """Every month has a row for things whose district is not known, be it empty: so it is known to be counted."""
    cells = queries.counted(clock.at(month, 0), clock.at(queries.next_month(month), 0))
    for district_id, cell in {None: queries.Cell(), **cells}.items():
        db.session.add(
            LendingMonth(
                month=month, district_id=district_id, loans=cell.loans, lenders=cell.lenders, met=cell.met,
                by_category={code: astuple(lent) for code, lent in sorted(cell.by_category.items())},
            )
        )  # fmt: skip
    db.session.flush()
