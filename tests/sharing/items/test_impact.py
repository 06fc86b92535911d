"""What lending spared: right by counting loan by loan, the same afterwards, and giving nobody away."""

import csv
import io
from collections import defaultdict
from dataclasses import astuple
from datetime import date, datetime, timedelta
from itertools import product
from random import Random

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.civic.places.models import District
from marketplace.kernel import clock, db
from marketplace.sharing.items.models import categories
from marketplace.sharing.items.models.footprints import BY_CATEGORY, DISPLACEMENT, FOOTPRINTS, VERSION
from marketplace.sharing.items.models.impact import LendingMonth
from marketplace.sharing.items.models.lending import Loan, LoanState
from marketplace.sharing.items.models.listing import Item
from marketplace.sharing.items.queries import impact as queries
from marketplace.sharing.items.queries.impact import Cell, Lent
from marketplace.sharing.items.schemas.impact import HEAD
from marketplace.sharing.items.service.impact import record_months
from tests import factories
from tests.factories import neighbour, sign_in

MARCH, APRIL = date(2027, 3, 1), date(2027, 4, 1)
KINDS = ("drills", "vacuums", "projectors", "books")


def back(of: Item, by: Person, when: datetime, *, fee: int = 0, state: LoanState = LoanState.CLOSED) -> Loan:
    """A loan that was brought back at a moment, unless its state says otherwise."""
    day = clock.local(when).date()
    returned = when if state in (LoanState.RETURNED, LoanState.CLOSED) else None
    made = Loan(
        item_id=of.id, borrower_id=by.id, first_day=day, last_day=day, state=state, fee=fee, accepted_at=when,
        out_at=when, returned_at=returned,
    )  # fmt: skip
    db.session.add(made)
    return made


@pytest.fixture
def city(app, monday) -> list[District | None]:
    """Two districts and the rest, four lenders in each and a library, and loans of two months; April has begun."""
    random = Random(7)
    places = [factories.district(), factories.district(), None]
    borrowers = [neighbour(f"Borrower {n}") for n in range(6)]
    things = [
        factories.item(
            owner=neighbour(), category=random.choice(KINDS), value=random.choice([None, 40_000, 250_001]),
            district_id=at.id if at else None,
        )
        for at in places for _ in range(4)
    ]  # fmt: skip
    for thing in things[-4:]:
        thing.district_id = None
    library = factories.library()
    things.append(factories.item(of=library, category="vacuums", value=90_000, district_id=things[0].district_id))
    for n in range(150):
        when = clock.at(date(2027, 2, 1), 0) + timedelta(minutes=random.randrange(59 * 24 * 60))
        state = LoanState.CANCELLED if n % 10 == 0 else random.choice([LoanState.RETURNED, LoanState.CLOSED])
        back(random.choice(things), random.choice(borrowers), when, fee=random.choice([0, 1_500]), state=state)
    for thing, by in zip(things, borrowers, strict=False):
        back(thing, by, clock.at(APRIL, 0))
    db.session.commit()
    monday(clock.at(date(2027, 4, 2), 600))
    return places


def seen(cell: Cell | None) -> Cell:
    """A cell that is shown."""
    assert cell is not None
    return cell


def by_hand(first: date) -> dict[int | None, dict]:
    """The figures of a month, loan by loan."""
    found: dict = defaultdict(lambda: defaultdict(float) | {"lenders": set(), "met": set()})
    for loan, item in db.session.execute(sa.select(Loan, Item).join(Item, Item.id == Loan.item_id)):
        if loan.returned_at is None or clock.local(loan.returned_at).date().replace(day=1) != first:
            continue
        cell = found[item.district_id]
        cell["loans"] += 1
        cell["lenders"].add((item.owner_id, item.library_id))
        if item.owner_id:
            cell["met"].add((item.owner_id, loan.borrower_id))
        if item.category in BY_CATEGORY:
            cell["low"] += 0.25 * BY_CATEGORY[item.category].low / 1000
            cell["high"] += 0.50 * BY_CATEGORY[item.category].high / 1000
        if item.value is not None:
            cell["value"] += item.value
            cell["fees"] += loan.fee
    return found


@pytest.mark.usefixtures("city")
@pytest.mark.parametrize("first", [date(2027, 2, 1), MARCH])
def test_a_month_counted_at_once_is_what_counting_loan_by_loan_gives(first):
    cells = queries.counted(clock.at(first, 0), clock.at(queries.next_month(first), 0))

    expected = by_hand(first)
    assert cells.keys() == expected.keys()
    assert len(cells) == 3
    for at, cell in cells.items():
        slow = expected[at]
        assert (cell.loans, cell.lenders, cell.met) == (slow["loans"], len(slow["lenders"]), len(slow["met"]))
        assert cell.purchases == (slow["loans"] / 4, slow["loans"] / 2)
        assert cell.kilograms == pytest.approx((slow["low"], slow["high"]))
        assert cell.saved == (slow["value"] // 4 - slow["fees"], slow["value"] // 2 - slow["fees"])


@pytest.mark.usefixtures("city")
def test_each_month_that_is_over_is_recorded_once_and_does_not_change(monday):
    record_months()
    recorded = queries.published()
    db.session.execute(sa.update(Item).values(district_id=None, value=1))
    monday(clock.at(date(2027, 4, 30), 600))
    record_months()

    assert [month.first for month in recorded] == [MARCH, date(2027, 2, 1)]
    assert queries.published() == recorded
    assert db.count(sa.select(LendingMonth.id)) == 6
    monday(clock.at(date(2027, 5, 1), 600))
    record_months()
    assert queries.last_recorded() == APRIL


@pytest.mark.usefixtures("city")
def test_the_city_is_the_sum_of_its_districts():
    record_months()
    march = queries.published()[0]

    slow = by_hand(MARCH).values()
    assert march.city is not None
    assert march.city.loans == sum(one["loans"] for one in slow)
    assert march.city.met == sum(len(one["met"]) for one in slow)
    assert march.city.kilograms == pytest.approx((sum(one["low"] for one in slow), sum(one["high"] for one in slow)))


@pytest.mark.usefixtures("app")
def test_the_database_refuses_a_second_count_of_a_month():
    for _ in range(2):
        db.session.add(LendingMonth(month=MARCH, district_id=None, loans=0, lenders=0, met=0, by_category={}))

    with pytest.raises(sa.exc.IntegrityError):
        db.session.flush()


@pytest.mark.usefixtures("app")
def test_before_anything_was_brought_back_nothing_is_recorded():
    record_months()

    assert queries.last_recorded() is None


# --- the figures ---


def test_what_has_no_footprint_or_price_is_not_known_and_left_out():
    cell = Cell({"drills": Lent(4), "vacuums": Lent(2, 1, 100_000, 3_000)})

    assert (cell.loans, cell.footed, cell.purchases) == (6, 2, (1.5, 3.0))
    assert cell.kilograms == (2 * 47.3 / 4, 2 * 52.4 / 2)
    assert cell.saved == (22_000, 47_000)
    assert (Cell({"drills": Lent(4)}).kilograms, Cell({"drills": Lent(4)}).saved) == (None, None)


def test_fees_higher_than_what_was_spared_make_the_saving_negative():
    assert Cell({"books": Lent(1, 1, 10_000, 6_000)}).saved == (-3_500, -1_000)


def test_every_footprint_is_of_a_known_category_and_names_where_it_was_published():
    for one in FOOTPRINTS:
        assert categories.known(one.category)
        assert 0 < one.low <= one.high
        assert all(source.address.startswith("https://") and 2010 < source.year < 2027 for source in one.sources)
        assert one.sources
    assert len(BY_CATEGORY) == len(FOOTPRINTS)
    assert 0 < DISPLACEMENT.low <= DISPLACEMENT.high <= 100


SIZES = [(1, 1), (9, 4), (10, 2), (10, 3), (14, 6), (40, 2), (60, 20)]


@pytest.mark.parametrize("row", list(product(SIZES, repeat=3)))
def test_no_row_gives_away_a_small_cell_or_the_sum_of_few(row):
    hidden, whole = queries.shielded(dict(enumerate(row)))

    for n, (loans, lenders) in enumerate(row):
        assert n in hidden or (loans >= 10 and lenders >= 3)
    if whole:
        assert sum(loans for loans, _ in row) >= 10
        rest = [row[n] for n in hidden]
        assert not rest or (
            len(rest) > 1 and sum(loans for loans, _ in rest) >= 10 and sum(lenders for _, lenders in rest) >= 3
        )


def test_a_row_without_small_cells_is_shown_whole():
    assert queries.shielded(dict(enumerate([(10, 3), (400, 90)]))) == (set(), True)
    assert queries.shielded(dict(enumerate([(10, 3), (400, 90), (9, 9)]))) == ({0, 2}, True)
    assert queries.shielded(dict(enumerate([(9, 9)]))) == ({0}, False)


def month(**cells: tuple[dict[str, Lent], int]) -> None:
    """A month of March, recorded for districts of these names."""
    for lent, lenders in cells.values():
        db.session.add(
            LendingMonth(
                month=MARCH, district_id=factories.district().id, lenders=lenders, met=0,
                loans=sum(one.loans for one in lent.values()),
                by_category={code: astuple(one) for code, one in lent.items()},
            )
        )  # fmt: skip
    db.session.flush()


@pytest.mark.usefixtures("app")
def test_emissions_of_few_loans_are_not_known_nor_given_away_by_the_total():
    month(
        few=({"drills": Lent(20), "vacuums": Lent(1)}, 5),
        some=({"drills": Lent(20), "vacuums": Lent(12)}, 5),
        many=({"vacuums": Lent(50)}, 9),
        none=({"drills": Lent(20)}, 5),
    )
    [march] = queries.published()

    assert [seen(cell).footed for cell in march.districts.values()] == [0, 0, 50, 0]
    assert [seen(cell).loans for cell in march.districts.values()] == [21, 32, 50, 20]
    assert (seen(march.city).loans, seen(march.city).footed) == (123, 63)


@pytest.mark.usefixtures("app")
def test_money_of_few_loans_is_not_known_and_neither_is_a_total_that_would_tell():
    month(one=({"drills": Lent(20, 2, 90_000, 0)}, 5), other=({"drills": Lent(20)}, 5))
    [march] = queries.published()

    assert [seen(cell).saved for cell in march.districts.values()] == [None, None]
    assert (seen(march.city).loans, seen(march.city).saved) == (40, None)


# --- pages ---


@pytest.mark.usefixtures("city")
def test_the_page_shows_months_and_districts_and_names_factors_and_sources(browser):
    record_months()
    db.session.commit()
    page = browser.get("/items/impact")

    march = queries.published()[0]
    assert f"{seen(march.city).loans}</td>" in page.text
    assert f"factors of {VERSION}" in page.text
    for one in FOOTPRINTS:
        assert one.title in page.text
        assert all(source.address in page.text for source in one.sources)
    assert browser.get("/items/impact?of=2027-03").status_code == 200
    assert [browser.get(f"/items/impact?of={of}").status_code for of in ("2026", "2027-04", "x", "0000-01")] == [
        404
    ] * 4


def test_before_the_first_month_is_over_the_page_says_so(browser):
    assert "No month of lending is over yet" in browser.get("/items/impact").text


@pytest.mark.usefixtures("city")
def test_the_file_has_every_month_and_hides_what_the_page_hides(browser):
    record_months()
    db.session.execute(sa.update(LendingMonth).where(LendingMonth.district_id.is_(None)).values(lenders=2))
    db.session.commit()
    rows = list(csv.DictReader(io.StringIO(browser.get("/items/impact.csv").text.removeprefix("\ufeff"))))

    assert tuple(rows[0]) == HEAD
    assert {row["factors"] for row in rows} == {VERSION}
    unknown = [row for row in rows if row["district_code"] == "?"]
    assert [(row["shown"], row["loans"], row["saved_low"]) for row in unknown] == [("no", "", "")] * 2
    assert [row["shown"] for row in rows if row["month"] == "2027-03"].count("no") == 2
    whole = next(row for row in rows if (row["month"], row["district_code"]) == ("2027-03", ""))
    assert float(whole["purchases_low"]) == int(whole["loans"]) * DISPLACEMENT.low / 100


def test_the_page_takes_the_same_statements_however_much_was_lent(browser, city, statements):
    record_months()
    db.session.commit()
    browser.get("/items/impact")
    with statements() as few:
        browser.get("/items/impact")
    for n in range(30):
        place = factories.district()
        first = date(2025 + n // 12, n % 12 + 1, 1)
        db.session.add(
            LendingMonth(
                month=first, district_id=place.id, loans=12, lenders=5, met=4, by_category={"books": [12, 0, 0, 0]}
            )
        )
    db.session.commit()
    with statements() as many:
        assert browser.get("/items/impact").status_code == 200

    assert len(few) == len(many)


def test_people_read_what_their_own_lending_and_borrowing_spared(browser, monday):
    owner, borrower = neighbour("Owner"), neighbour("Borrower")
    vacuum = factories.item("Vacuum", owner, category="vacuums", value=200_000)
    for hour in (1, 2):
        back(vacuum, borrower, clock.now() - timedelta(hours=hour), fee=1_000)
    back(vacuum, neighbour(), clock.now())
    back(vacuum, borrower, clock.now(), state=LoanState.OUT)
    db.session.commit()

    lent, borrowed = queries.lent_by(owner), queries.borrowed_by(borrower)
    assert (lent.loans, lent.met, borrowed.loans, borrowed.met) == (3, 2, 2, 1)
    assert borrowed.saved == (98_000, 198_000)
    assert (queries.lent_by(borrower).loans, queries.borrowed_by(owner).loans) == (0, 0)
    sign_in(browser, borrower)
    assert "Purchases avoided: 0.5 to 1.0" in browser.get("/items/loans").text
    assert "Nothing was brought back yet." in browser.get("/items/mine").text
