"""Labels of a library's pieces as a PDF, and the pages of its catalogue."""

import io

import pikepdf
import pytest
import sqlalchemy as sa
from reportlab.lib.units import mm

from marketplace.civic.accounts.models import Role
from marketplace.kernel import db
from marketplace.sharing.items import staff
from marketplace.sharing.items.layouts import labels as layout
from marketplace.sharing.items.layouts.labels import SHEETS, Label
from marketplace.sharing.items.models.listing import Condition, ItemUnit, UnitState
from marketplace.sharing.items.queries import libraries as queries
from tests.factories import building, item, library, person, sign_in


@pytest.fixture
def tools():
    return queries.get_library(library(name="공구 도서관", name_en="Tool library").id)


@pytest.fixture
def manager(browser, tools):
    made = person("The manager", roles=[(Role.MANAGER, tools.building)])
    sign_in(browser, made)
    return made


def codes_of(thing):
    return list(
        db.session.scalars(sa.select(ItemUnit.code).where(ItemUnit.item_id == thing.id).order_by(ItemUnit.number))
    )


def texts(data):
    """What is written on each page, piece by piece."""
    with pikepdf.open(io.BytesIO(data)) as file:
        return [list(written(page)) for page in file.pages]


def written(page):
    korean = {name for name, font in page.Resources.Font.items() if font.BaseFont == "/HYGothic-Medium"}
    font = None
    for one in pikepdf.parse_content_stream(page):
        if str(one.operator) == "Tf":
            font = str(one.operands[0])
        if str(one.operator) == "Tj":
            yield bytes(one.operands[0]).decode("utf-16-be" if font in korean else "latin-1")


def label(number):
    return Label(f"CODE{number}", f"충전 드릴 {number}", "공구 도서관", f"https://city.example/things/CODE{number}")


# --- the paper ---


def test_a_sheet_holds_24_labels_and_a_roll_one_a_page():
    many = [label(number) for number in range(30)]
    assert [len(page) for page in texts(layout.pdf(many, SHEETS["a4"]))] == [24 * 3, 6 * 3]
    assert [len(page) for page in texts(layout.pdf(many[:4], SHEETS["roll"]))] == [3] * 4


def test_a_sheet_that_was_begun_is_used_up_first():
    many = [label(number) for number in range(5)]
    assert [len(page) for page in texts(layout.pdf(many, SHEETS["a4"], skip=22))] == [2 * 3, 3 * 3]
    assert len(texts(layout.pdf(many, SHEETS["roll"], skip=22))) == 5


def test_a_label_says_code_title_and_library_in_korean_too():
    [page] = texts(layout.pdf([label(7)], SHEETS["a4"]))
    assert page == ["CODE7", "충전 드릴 7", "공구 도서관"]


def test_a_long_title_is_cut_and_a_long_code_shrinks():
    long = Label("X" * 40, "아주 긴 이름 " * 30, "도서관 " * 40, "https://city.example/things/X")
    [page] = texts(layout.pdf([long], SHEETS["roll"]))
    assert page[0] == "X" * 40
    assert len(page) == 5
    assert page[3].endswith("...")
    assert page[4].endswith("...")


def test_two_codes_give_two_pictures_that_lie_within_their_labels():
    def ink(number):
        with pikepdf.open(io.BytesIO(layout.pdf([label(number)], SHEETS["roll"]))) as file:
            drawn = pikepdf.parse_content_stream(file.pages[0])
            return [tuple(map(float, one.operands)) for one in drawn if str(one.operator) == "re"]

    one, other = ink(1), ink(2)
    assert one != other
    height = 29 * mm
    assert len(one) > 200
    assert all(0 < x < height and 0 < y < height for x, y, _width, _height in one)


# --- the pages ---


def test_the_labels_of_a_library_are_made_with_the_address_of_each_piece(browser, tools, manager, statements):
    drill, gone = item("Cordless drill", of=tools, units=3), item("Old saw", of=tools)
    db.session.execute(sa.update(ItemUnit).where(ItemUnit.item_id == gone.id).values(state=UnitState.GONE))
    item("Elsewhere", of=library(name="Another"))

    with statements() as seen:
        answer = browser.get(f"/libraries/{tools.id}/labels.pdf?sheet=a4")

    assert answer.content_type == "application/pdf"
    assert "attachment" in answer.headers["Content-Disposition"]
    [page] = texts(answer.data)
    assert [text for text in page if len(text) == 8] == codes_of(drill)
    assert page.count("Tool library") == 3
    assert sum("item_units" in statement for statement in seen) == 1
    assert "3 labels in all." in browser.get(f"/libraries/{tools.id}/labels").text


def test_labels_of_one_thing_or_of_new_things_alone(browser, tools, manager):
    drill, saw = item("Cordless drill", of=tools), item("Hand saw", of=tools)
    page = browser.get(f"/libraries/{tools.id}/labels?item={saw.id}").text
    assert "1 label in all." in page
    assert f'name="item" value="{saw.id}"' in page
    assert 'value="a4" checked' in page
    [page] = texts(browser.get(f"/libraries/{tools.id}/labels.pdf?item={saw.id}").data)
    assert page[0] == codes_of(saw)[0]
    [page] = texts(browser.get(f"/libraries/{tools.id}/labels.pdf?since=2027-03-02").data)
    assert page == []
    assert codes_of(drill) != codes_of(saw)


def test_many_labels_come_in_parts(browser, tools, manager, monkeypatch):
    monkeypatch.setattr(staff, "LABELS_AT_ONCE", 2)
    drill = item("Cordless drill", of=tools, units=5)
    assert "3 to 4" in browser.get(f"/libraries/{tools.id}/labels").text
    [page] = texts(browser.get(f"/libraries/{tools.id}/labels.pdf?part=3").data)
    assert page[0::3] == codes_of(drill)[4:]


@pytest.mark.parametrize("asked", ["sheet=a3", "skip=-1", "skip=24", "item=x", "since=soon"])
def test_labels_that_make_no_sense_are_not_there(browser, tools, manager, asked):
    assert browser.get(f"/libraries/{tools.id}/labels.pdf?{asked}").status_code == 404


def test_the_address_on_a_label_leads_to_the_thing_and_an_unknown_one_nowhere(browser, tools):
    [code] = codes_of(item(of=tools))
    assert browser.get(f"/things/{code.lower()}").status_code == 303
    hidden = item("Hidden", of=tools)
    hidden.withdrawn_at = hidden.listed_at
    for nowhere in ("NOSUCH99", codes_of(hidden)[0], "%20"):
        assert browser.get(f"/things/{nowhere}").status_code == 404


# --- one thing at a time ---


def test_a_thing_is_added_with_a_code_for_each_piece(browser, tools, manager):
    sent = browser.send(
        f"/libraries/{tools.id}/things/new", title="Drill", category="drills", condition="good", pieces=2,
        accessories="drill bit × 3\r\ncase", longest_days=14,
    )  # fmt: skip
    [made] = db.session.scalars(queries.items_of(tools))
    assert sent.location == f"/libraries/{tools.id}/labels?item={made.id}"
    assert (made.condition, made.longest_days) == (Condition.GOOD, 14)
    assert [(part.name, part.count) for part in made.accessories] == [("drill bit", 3), ("case", 1)]
    assert len(set(codes_of(made))) == 2


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"title": ""}, "Enter what it is."),
        ({"category": "spaceships"}, "Choose one of the answers offered."),
        ({"pieces": "0"}, "Enter a number from 1 to 200."),
        ({"accessories": "bit × 0"}, "Enter one a line, such as drill bit × 3"),
    ],
)
def test_nonsense_about_a_thing_is_explained(browser, tools, manager, fields, sentence):
    form = {"title": "Drill", "category": "drills", "condition": "good", "description": "Kept text", **fields}
    answer = browser.send(f"/libraries/{tools.id}/things/new", **form)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "Kept text" in answer.text


@pytest.mark.parametrize("page", ["labels", "labels.pdf", "catalogue", "catalogue.csv", "things/new"])
def test_these_pages_do_not_exist_for_others(browser, tools, page):
    for nobody in (person(), person(roles=[(Role.MANAGER, building("Museum"))])):
        assert sign_in(browser, nobody).get(f"/libraries/{tools.id}/{page}").status_code == 404
