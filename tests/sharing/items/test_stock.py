"""Taking stock of a library: two may scan at once, and what was not seen and is not on loan is missing."""

from datetime import date

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Role
from marketplace.civic.groups.models import Channel
from marketplace.civic.groups.service.behalf import Behalf
from marketplace.kernel import db
from marketplace.kernel.errors import Forbidden
from marketplace.sharing.items import errors
from marketplace.sharing.items.models.libraries import StockSeen, StockTake
from marketplace.sharing.items.models.listing import Condition, ItemUnit, UnitState
from marketplace.sharing.items.queries import libraries as queries
from marketplace.sharing.items.queries import stock as stock_queries
from marketplace.sharing.items.service import counter, repairs, stock
from tests.factories import building, item, library, neighbour, person, sign_in


@pytest.fixture
def tools():
    return queries.get_library(library().id)


@pytest.fixture
def manager(tools):
    return person("The manager", roles=[(Role.MANAGER, tools.building)])


@pytest.fixture
def desk(browser, manager):
    return sign_in(browser, manager)


def codes(thing):
    own = sa.select(ItemUnit.code).where(ItemUnit.item_id == thing.id).order_by(ItemUnit.number)
    return [str(code) for code in db.session.scalars(own)]


def piece(code):
    found = queries.unit_by_code(code)
    assert found
    return found


def test_a_count_from_the_start_to_the_report(desk, tools, manager):
    there, missing, lent = codes(item("Cordless drill", of=tools, units=3))
    [lost] = codes(item("Hand saw", of=tools))
    [foreign] = codes(item("Foreign tent", of=library(name="Another")))
    repairs.lost(manager, piece(lost))
    behalf = Behalf(entered_by=manager, channel=Channel.COUNTER)
    counter.lend(manager, piece(lent), neighbour(), behalf, date(2027, 3, 3), condition=Condition.GOOD)

    count = desk.send(f"/libraries/{tools.id}/stock").location
    page = desk.get(count).text
    assert page.count(" autofocus=") == 1
    for code in (there.lower(), there, lost, foreign, "NOSUCH99"):
        assert desk.send(count, code=code).location == count
    page = desk.get(count).text
    for words in ("Cordless drill", "Of another library", "Unknown code", "NOSUCH99"):
        assert words in page
    assert db.session.scalar(sa.select(sa.func.count(StockSeen.id))) == 4

    assert desk.send(f"{count}/finish").status_code == 303
    report = desk.get(count).text
    assert missing in report
    assert there not in report
    assert lent not in report
    assert "Foreign tent" in report
    assert "No piece has this code." in report
    assert f"/pieces/{lost}/found" in report

    desk.send(f"/libraries/{tools.id}/pieces/{missing}/lost")
    desk.send(f"/libraries/{tools.id}/pieces/{lost}/found")
    assert (piece(missing).state, piece(lost).state) == (UnitState.LOST, UnitState.READY)
    assert "Everything is there." in desk.get(count).text


def test_a_finished_count_takes_nothing_more(desk, tools, manager):
    take = stock.start(manager, tools)
    count_id = take.id
    stock.finish(manager, tools, take)
    late = desk.send(f"/libraries/stock/{count_id}", code="CODE1")
    assert late.status_code == 409
    assert "This count is finished." in late.text
    with pytest.raises(errors.CountOver):
        stock.finish(manager, tools, stock_queries.get_take(count_id))


def test_one_count_goes_on_at_a_time_and_others_scan_along(desk, tools, manager):
    count_id = stock.start(manager, tools).id
    second = desk.send(f"/libraries/{tools.id}/stock")
    assert second.status_code == 409
    assert "A count is going on already." in second.text
    [code] = codes(item(of=tools))
    other = person("Another", roles=[(Role.MANAGER, tools.building)])
    take = stock_queries.get_take(count_id)
    first = stock.see(manager, tools, take, code)
    assert stock.see(other, tools, take, f" {code.lower()} ").id == first.id


def test_the_database_keeps_a_code_once_a_count_and_one_count_at_a_time(tools, manager):
    take = stock.start(manager, tools)
    for row in (
        StockSeen(stock_take_id=take.id, code="CODE1", seen_by_id=manager.id),
        StockTake(library_id=tools.id, started_by_id=manager.id),
    ):
        stock.see(manager, tools, take, "CODE1")
        nested = db.session.begin_nested()
        db.session.add(row)
        with pytest.raises(sa.exc.IntegrityError):
            db.session.flush()
        nested.rollback()


def test_an_empty_or_endless_code_is_no_code(desk, tools, manager):
    take = stock.start(manager, tools)
    for code in ("", "X" * 201):
        assert desk.send(f"/libraries/stock/{take.id}", code=code).status_code == 422
    assert desk.send(f"/libraries/stock/{take.id}", code="X" * 200).status_code == 303


def test_a_count_takes_the_same_few_statements_however_much_there_is(desk, tools, manager, statements):
    count_id = stock.start(manager, tools).id

    def cost(many):
        for code in codes(item(of=tools, units=many)):
            stock.see(manager, tools, stock_queries.get_take(count_id), code)
        desk.get(f"/libraries/stock/{count_id}")
        with statements() as seen:
            assert desk.get(f"/libraries/stock/{count_id}").status_code == 200
        return len(seen)

    assert cost(1) == cost(8)


def test_what_is_in_repair_is_expected_in_the_house(tools, manager):
    [code] = codes(item(of=tools))
    repairs.open_ticket(manager, piece(code), "Loose")
    take = stock.start(manager, tools)
    [missing] = db.session.scalars(stock_queries.missing(tools, take))
    assert missing.code == code


def test_nobody_else_counts(browser, tools, manager):
    take = stock.start(manager, tools)
    elsewhere = person(roles=[(Role.MANAGER, building("Museum"))])
    for nobody in (elsewhere, person()):
        sign_in(browser, nobody)
        assert browser.get(f"/libraries/{tools.id}/stock").status_code == 404
        assert browser.get(f"/libraries/stock/{take.id}").status_code == 404
        assert browser.send(f"/libraries/stock/{take.id}/finish").status_code == 404
        with pytest.raises(Forbidden):
            stock.see(nobody, tools, take, "CODE1")
