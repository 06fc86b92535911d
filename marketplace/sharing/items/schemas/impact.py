"""The figures of what lending spared, as people read them and as a file."""

from collections.abc import Iterable, Iterator

from marketplace.kernel import money
from marketplace.kernel.words import _, ngettext
from marketplace.sharing.items.models.footprints import VERSION
from marketplace.sharing.items.queries.impact import Cell, Month, Range

HEAD = (
    "factors", "month", "district_code", "district", "shown", "loans", "purchases_low", "purchases_high",
    "loans_with_factor", "kg_co2e_low", "kg_co2e_high", "loans_with_value", "saved_low", "saved_high", "pairs_met",
)  # fmt: skip


def span(found: Range, digits: int = 0) -> str:
    """From the lowest to the highest, as people read it."""
    low, high = (f"{one:,.{digits}f}" for one in found)
    return low if low == high else _("{low} to {high}", low=low, high=high)


def line(cell: Cell | None, digits: int = 0) -> list[str]:
    """A cell in words: loans, purchases, emissions, money, people met."""
    if cell is None:
        return [_("not shown")] * 5
    saved = cell.saved
    low, high = (money.show(one) for one in saved) if saved else ("", "")
    return [
        f"{cell.loans:,}",
        span(cell.purchases, digits),
        _known(cell, digits),
        _("not known") if not saved else low if low == high else _("{low} to {high}", low=low, high=high),
        f"{cell.met:,}",
    ]


def _known(cell: Cell, digits: int) -> str:
    """The emissions, and of how many of the loans."""
    if cell.kilograms is None:
        return _("not known")
    loans = ngettext("{n} loan", "{n} loans", cell.footed)
    return _("{kilograms} kg, of {loans}", kilograms=span(cell.kilograms, digits), loans=loans)


def table(months: Iterable[Month]) -> Iterator[list[object]]:
    """The months as rows under HEAD: first the city, without a district, then each district."""
    for month in months:
        yield [VERSION, f"{month.first:%Y-%m}", "", "", *_numbers(month.city)]
        for district, cell in month.districts.items():
            code, name = (district.code, district.name) if district else ("?", _("District not known"))
            yield [VERSION, f"{month.first:%Y-%m}", code, name, *_numbers(cell)]


def _numbers(cell: Cell | None) -> list[object]:
    if cell is None:
        return ["no", *[""] * 10]
    kilograms, saved = cell.kilograms or ("", ""), cell.saved or ("", "")
    return ["yes", cell.loans, *cell.purchases, cell.footed, *kilograms, cell.total.valued, *saved, cell.met]
