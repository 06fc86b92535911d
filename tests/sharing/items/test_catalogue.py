"""A library's catalogue as a table: read, understood or refused row by row, taken in, written, taken in again."""

import csv
import io
import json
from itertools import count
from typing import Any

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Role
from marketplace.kernel import db, search, tables, words
from marketplace.kernel.errors import Forbidden
from marketplace.sharing.items import errors
from marketplace.sharing.items.layouts import catalogue as layout
from marketplace.sharing.items.models import categories
from marketplace.sharing.items.models.listing import Condition, DepositUnit, Item, ItemUnit, UnitState
from marketplace.sharing.items.queries import libraries as queries
from marketplace.sharing.items.queries.listings import SEARCH_KIND
from marketplace.sharing.items.service import catalogue
from tests import factories
from tests.factories import building, item, library, person

PLAIN = {"Title": "Cordless drill", "Category": "drills"}
_codes = count(1000)


@pytest.fixture
def tools():
    return queries.get_library(library().id)


def sheet(*rows, heads=None):
    names = heads or list(dict.fromkeys(name for row in rows for name in row)) or list(PLAIN)
    return tables.csv_text(names, [[row.get(name, "") for name in names] for row in rows]).encode()


def take_in(tools, *rows):
    return catalogue.take_in(None, queries.get_library(tools.id), layout.read(sheet(*rows)))


def things(tools):
    db.session.expire_all()
    return list(db.session.scalars(queries.items_of(tools)))


def export(tools):
    db.session.expire_all()
    return "".join(layout.write(iter(db.session.scalars(queries.items_of(tools))))).encode()


def counted(report):
    return report.added, report.updated, report.unchanged, len(report.refused)


# --- what a row becomes ---


def test_a_row_becomes_a_thing_with_its_pieces_and_accessories_and_is_found(tools):
    report = take_in(
        tools,
        {
            **PLAIN, "Codes": "drill-1, DRILL-2", "Condition": "worn", "Pieces": "3",
            "Accessories": "drill bit × 3; charger\ncase x 2", "Description": "18 V", "Rules": "Wear glasses.",
            "Price of a new one": "120,000", "Fee": "₩1,000", "Deposit": "5000", "Longest loan in days": "14",
            "Notice in days": "2", "Paused": "yes",
        },
    )  # fmt: skip

    assert counted(report) == (1, 0, 0, 0)
    [drill] = things(tools)
    assert (drill.title, drill.category, drill.condition) == ("Cordless drill", "drills", Condition.WORN)
    codes = [unit.code for unit in drill.units]
    assert codes[:2] == ["DRILL-1", "DRILL-2"]
    assert len(codes) == 3
    assert len(codes[2]) == 8
    assert [(part.name, part.count) for part in drill.accessories] == [("drill bit", 3), ("charger", 1), ("case", 2)]
    assert (drill.value, drill.fee, drill.deposit) == (120_000, 1000, 5000)
    assert (drill.longest_days, drill.notice_days, drill.paused_at is not None) == (14, 2, True)
    assert db.session.scalars(search.matching(SEARCH_KIND, "cordless")).all() == [drill.id]


def test_what_is_left_empty_has_the_usual_value(tools):
    take_in(tools, PLAIN)
    [drill] = things(tools)
    assert (drill.condition, drill.value, drill.fee, drill.longest_days) == (Condition.GOOD, None, 0, 7)
    assert (len(drill.units), drill.paused_at, list(drill.accessories)) == (1, None, [])


def test_heads_and_words_may_be_korean(tools):
    row = {"이름": "충전 드릴", "분류": "드릴·전동 드라이버", "상태": "좋음", "쉬는 중": "아니요", "개수": "2"}
    assert counted(take_in(tools, row)) == (1, 0, 0, 0)
    [drill] = things(tools)
    assert (drill.title, drill.category, len(drill.units)) == ("충전 드릴", "drills", 2)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_files_of_any_spreadsheet_are_read(tools, encoding, delimiter):
    data = delimiter.join(("이름", "분류")) + "\r\n" + delimiter.join(("충전 드릴", "drills")) + "\r\n"
    report = catalogue.take_in(None, tools, layout.read(data.encode(encoding)))
    assert counted(report) == (1, 0, 0, 0)


# --- what is refused ---


@pytest.mark.parametrize(
    ("cells", "column", "sentence"),
    [
        ({"Title": "ab"}, "Title", "Write from 3 to 100 characters."),
        ({"Title": "x" * 101}, "Title", "Write from 3 to 100 characters."),
        ({"Category": "spaceships"}, "Category", "There is no such category."),
        ({"Category": ""}, "Category", "There is no such category."),
        ({"Condition": "so so"}, "Condition", "Write new, good, worn or quirks."),
        ({"Pieces": "0"}, "Pieces", "Write a whole number from 1 to 200."),
        ({"Pieces": "many"}, "Pieces", "Write a whole number from 1 to 200."),
        ({"Pieces": "²"}, "Pieces", "Write a whole number from 1 to 200."),
        ({"Codes": "A!"}, "Codes", "A code has 4 to 40 letters from A to Z, digits and hyphens."),
        ({"Codes": "CODE1 CODE2", "Pieces": "1"}, "Codes", "There are more codes than pieces."),
        ({"Accessories": "bit; bit"}, "Accessories", "Each once, 20 at most."),
        ({"Accessories": "bit × 0"}, "Accessories", "Each once, 20 at most."),
        ({"Deposit": "h"}, "Deposit", "Write an amount of money, such as 3000."),
        ({"Deposit": "101 h"}, "Deposit", "Write at most 100 hours of time credit."),
        ({"Fee": "-1"}, "Fee", "Write an amount of money, such as 3000."),
        ({"Price of a new one": "cheap"}, "Price of a new one", "Write an amount of money"),
        ({"Longest loan in days": "91"}, "Longest loan in days", "Write a whole number from 1 to 90."),
        ({"Paused": "perhaps"}, "Paused", "Write yes or no."),
    ],
)
def test_a_row_with_a_wrong_cell_is_refused_with_its_sentence_and_the_others_go_on(tools, cells, column, sentence):
    report = take_in(tools, PLAIN, {**PLAIN, "Title": "Hand saw", **cells}, {**PLAIN, "Title": "Ladder"})

    assert counted(report) == (2, 0, 0, 1)
    [refused] = report.refused
    assert (refused.line, refused.column) == (3, column)
    assert sentence in str(refused.sentence)
    assert [thing.title for thing in things(tools)] == ["Cordless drill", "Ladder"]


def test_rows_of_broken_form_cost_only_themselves(tools):
    data = 'Title,Category\nDrill one,drills\n"Saw,saws\nLadder,ladders,extra\nShort\nTent,tents\n'
    report = catalogue.take_in(None, tools, layout.read(data.encode()))

    assert counted(report) == (2, 0, 0, 3)
    assert [one.line for one in report.refused] == [3, 4, 5]
    assert [str(one.sentence) for one in report.refused] == [
        "The quotation marks of this row do not close where they should.",
        "The row has 3 cells, the first row has 2.",
        "The row has 1 cells, the first row has 2.",
    ]


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (b"", layout.NoCatalogue),
        (b"Name,Sort\nDrill,drills\n", layout.NoCatalogue),
        (b"Title,Category,title\nDrill,drills,x\n", layout.HeadTwice),
        (b"PK\x03\x04 a workbook", tables.Workbook),
        (b"\xff\xfe\x00T", tables.NoTable),
        (b"\x80\x81\x82", tables.NoTable),
        (b"Title,Category\n" + b'"x\n' * 200, tables.NoTable),
        (b"Title,Category\n" + b"a,b\n" * 20_001, layout.TooManyRows),
    ],
)
def test_a_file_that_is_no_catalogue_is_refused_as_a_whole(data, refusal):
    with pytest.raises(refusal):
        layout.read(data)


def test_codes_of_another_library_are_refused(tools):
    foreign = factories.item("Other drill", of=library(name="Another"))
    [code] = db.session.scalars(sa.select(ItemUnit.code).where(ItemUnit.item_id == foreign.id))
    report = take_in(tools, {**PLAIN, "Codes": code})
    assert (
        str(report.refused[0].sentence)
        == f"The code {code} is on another thing: of another library, or no longer lent."
    )
    assert things(tools) == []


def test_two_rows_about_one_thing_are_one_too_many(tools):
    take_in(tools, {**PLAIN, "Codes": "CODE1 CODE2"}, {**PLAIN, "Title": "Hand saw", "Codes": "CODE3"})

    report = take_in(
        tools,
        {**PLAIN, "Codes": "CODE1 CODE2"},
        {**PLAIN, "Codes": "CODE2", "Pieces": "2"},
        {**PLAIN, "Codes": "CODE1 CODE3"},
    )

    assert [str(one.sentence) for one in report.refused] == [
        "This is the same thing as in line 2.",
        "These codes are on pieces of different things here.",
    ]


def test_a_code_twice_in_one_file_is_refused(tools):
    report = take_in(tools, {**PLAIN, "Codes": "CODE1"}, {**PLAIN, "Title": "Hand saw", "Codes": "CODE1"})
    assert counted(report) == (1, 0, 0, 1)


# --- again and again ---


def test_a_thing_without_codes_is_known_by_its_title_if_it_is_the_only_one(tools):
    take_in(tools, PLAIN)
    assert counted(take_in(tools, {**PLAIN, "Condition": "worn"})) == (0, 1, 0, 0)
    factories.item("Cordless drill", of=tools)
    report = take_in(tools, {**PLAIN, "Condition": "new"})
    assert [str(one.sentence) for one in report.refused] == [
        "Several things here have this title. Say by a code which is meant."
    ]


def test_pieces_are_added_by_the_table_and_never_taken_away(tools):
    take_in(tools, {**PLAIN, "Codes": "CODE1 CODE2"})
    assert counted(take_in(tools, {**PLAIN, "Codes": "CODE1 CODE2 CODE9", "Pieces": "4"})) == (0, 1, 0, 0)
    [drill] = things(tools)
    assert [unit.code for unit in drill.units][:3] == ["CODE1", "CODE2", "CODE9"]
    assert len(drill.units) == 4

    report = take_in(tools, {**PLAIN, "Codes": "CODE1"})
    assert (
        str(report.refused[0].sentence) == "There are 4 pieces of it here. Take pieces away on the page of the thing."
    )


def test_a_piece_that_was_gone_comes_back_when_the_table_names_it(tools):
    take_in(tools, {**PLAIN, "Codes": "CODE1 CODE2"})
    [drill] = things(tools)
    drill.units[1].state = UnitState.GONE
    db.session.flush()

    assert counted(take_in(tools, {**PLAIN, "Codes": "CODE1 CODE2"})) == (0, 1, 0, 0)

    [drill] = things(tools)
    assert [(unit.code, unit.state) for unit in drill.units] == [("CODE1", UnitState.READY), ("CODE2", UnitState.READY)]


STRANGE: list[dict[str, Any]] = [
    {"title": "=HYPERLINK(1)", "description": "-cmd", "rules": "'=twice"},
    {"title": "+82 drill", "description": 'say "hi", then\r\n; go', "rules": "@x"},
    {"title": "'quoted'", "description": "two\nlines", "parts": {"cable 3 x 2": 1, "bit; long": 4}},
    {"title": "충전 드릴 ＝", "value": 0, "fee": 500, "longest_days": 90, "parts": {"비트": 10}},
    {"title": "Tent", "deposit": 90, "deposit_unit": DepositUnit.TIME},
    {"title": "-5", "category": "tools", "description": "*", "condition": Condition.QUIRKS},
]


@pytest.mark.parametrize(
    ("cell", "deposit", "unit"),
    [
        ("5000", 5_000, DepositUnit.MONEY), ("", 0, DepositUnit.MONEY), ("0 min", 0, DepositUnit.MONEY),
        ("2 h", 120, DepositUnit.TIME), ("1 hour 30 minutes", 90, DepositUnit.TIME), ("90min", 90, DepositUnit.TIME),
        ("1시간 30분", 90, DepositUnit.TIME), ("45분", 45, DepositUnit.TIME),
    ],
)  # fmt: skip
def test_a_deposit_is_a_sum_as_ever_or_time(tools, cell, deposit, unit):
    take_in(tools, {**PLAIN, "Deposit": cell})
    [drill] = things(tools)
    assert (drill.deposit, drill.deposit_unit) == (deposit, unit)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_what_is_exported_reads_as_what_is_here(tools, language):
    for facts in STRANGE:
        title, description = facts["title"].ljust(3, "!"), facts.get("description", "")
        more = {name: value for name, value in facts.items() if name not in ("title", "description")}
        factories.item(title, of=tools, units=2, description=description, **more)
    db.session.flush()

    with words.speaking(language):
        table = export(tools)
        report = catalogue.take_in(None, queries.get_library(tools.id), layout.read(table))

    assert [str(one.sentence) for one in report.refused] == []
    assert counted(report) == (0, 0, len(STRANGE), 0)


def test_no_cell_of_an_export_is_a_formula(tools):
    for facts in STRANGE[:4]:
        factories.item(
            facts["title"], of=tools, **{key: facts[key] for key in ("description", "rules") if key in facts}
        )
    rows = list(csv.reader(io.StringIO(export(tools).decode("utf-8-sig"), newline="")))
    assert len(rows) == 5
    for cell in (cell for row in rows[1:] for cell in row):
        assert not cell.startswith(tables.DANGEROUS), cell


def test_every_category_of_an_export_is_known_again(tools):
    for language in ("en", "ko"):
        with words.speaking(language):
            for category in categories.tree():
                drill = factories.item("A thing", of=tools, category=category.code)
                [row] = layout.read("".join(layout.write(iter([queries_item(drill)]))).encode())
                assert isinstance(row, layout.Entry)
                assert row.category == category.code
                db.session.rollback()


def queries_item(one):
    return db.session.scalars(
        sa.select(Item)
        .where(Item.id == one.id)
        .options(sa.orm.selectinload(Item.units), sa.orm.selectinload(Item.accessories))
    ).one()


# --- who may, and what it costs ---


def test_only_who_runs_the_library_takes_in_a_table(tools):
    elsewhere = person(roles=[(Role.MANAGER, building("Museum"))])
    with pytest.raises(Forbidden):
        catalogue.take_in(elsewhere, tools, layout.read(sheet(PLAIN)))
    assert things(tools) == []


def test_a_library_whose_building_is_nowhere_takes_in_nothing():
    nowhere = queries.get_library(library(building("Somewhere")).id)
    with pytest.raises(errors.NoPoint):
        catalogue.take_in(None, nowhere, layout.read(sheet(PLAIN)))


def test_reading_what_is_here_takes_the_same_few_statements_however_much_it_is(tools, statements):
    def cost(many):
        for number in range(many):
            item(f"Thing {next(_codes)} {number}", of=tools, units=2, parts={"bit": 1})
        table = export(tools)
        db.session.expunge_all()
        here = queries.get_library(tools.id)
        with statements() as seen:
            assert catalogue.take_in(None, here, layout.read(table)).refused == []
        return len(seen)

    assert cost(2) == cost(6)


# --- the command line ---


def test_the_command_takes_in_a_file_says_why_rows_were_refused_and_writes_it_again(app, live_database, tmp_path):
    tools = library()
    db.session.commit()
    db.session.remove()
    file, refusals, out = tmp_path / "things.csv", tmp_path / "refused.csv", tmp_path / "out.csv"
    file.write_bytes(sheet(PLAIN, {**PLAIN, "Title": "No"}, {**PLAIN, "Title": "Hand saw", "Category": "saws"}))
    run = app.test_cli_runner()

    dry = run.invoke(args=["items", "import", str(tools.id), str(file), "--dry-run"])
    assert json.loads(dry.stdout) == {"read": 3, "added": 2, "updated": 0, "unchanged": 0, "refused": 1}
    assert "Line 3 refused, Title: Write from 3 to 100 characters." in dry.stderr
    assert db.session.scalar(sa.select(sa.func.count(Item.id))) == 0
    db.session.remove()

    run.invoke(args=["items", "import", str(tools.id), str(file), "--report", str(refusals)])
    assert "3,Title,No,Write from 3 to 100 characters." in refusals.read_text("utf-8-sig")
    assert db.session.scalar(sa.select(sa.func.count(Item.id))) == 2
    db.session.remove()

    run.invoke(args=["items", "export", str(tools.id), "--out", str(out)])
    again = run.invoke(args=["items", "import", str(tools.id), str(out)])
    assert json.loads(again.stdout)["unchanged"] == 2


@pytest.mark.parametrize(
    ("number", "data", "sentence"),
    [("999999", b"Title,Category\n", "There is nothing"), ("{}", b"PK\x03\x04", "This is a workbook.")],
)
def test_the_command_says_what_is_wrong_with_a_file(app, live_database, tmp_path, number, data, sentence):
    tools = library()
    db.session.commit()
    db.session.remove()
    file = tmp_path / "things.csv"
    file.write_bytes(data)
    told = app.test_cli_runner().invoke(args=["items", "import", number.format(tools.id), str(file)])
    assert told.exit_code == 1
    assert sentence in told.stderr
