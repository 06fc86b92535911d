"""Pages: lists cut into pages, addresses that keep their question, strict templates."""

import pytest
import sqlalchemy as sa
from jinja2 import UndefinedError

from marketplace.kernel import clock, db, words
from marketplace.kernel.errors import NotFound
from marketplace.kernel.limits import RateCounter
from marketplace.web import pages
from marketplace.web.forms import Form
from marketplace.web.pages import Paging, listed, paging, with_query
from tests.web.stage import Wish


@pytest.fixture
def at(staged):
    """Do something while a page at an address is asked for."""

    def look(address, ask):
        with staged.test_request_context(address):
            return ask()

    return look


@pytest.mark.parametrize(
    ("total", "number", "count", "cut"),
    [(0, 1, 1, []), (20, 1, 1, list(range(20))), (21, 2, 2, [20]), (45, 3, 3, [40, 41, 42, 43, 44])],
)
def test_a_long_list_is_cut_into_pages(at, total, number, count, cut):
    found = at(f"/try/form?page={number}", lambda: paging(total))

    assert (found.count, list(found.cut(range(total)))) == (count, cut)


@pytest.mark.parametrize("number", ["0", "2", "-1", "x", "", "1.5", "9999999999", "²", "１０"])
def test_a_page_that_is_not_there_is_not_found(at, number):
    with pytest.raises(NotFound):
        at(f"/try/form?page={number}", lambda: paging(20))


def test_the_first_page_needs_no_number(at):
    assert at("/try/form", lambda: paging(100)).number == 1


def test_a_query_is_shown_page_by_page(at):
    for number in range(25):
        db.session.add(RateCounter(key=f"{number:02}", window_start=clock.now(), count=1))
    db.session.commit()
    query = sa.select(RateCounter).order_by(RateCounter.key.desc())

    (first, newest), (second, oldest) = (at(f"/try/form?page={number}", lambda: listed(query)) for number in (1, 2))

    assert (first.total, first.count, second.number) == (25, 2, 2)
    assert [row.key for row in newest] == [f"{number:02}" for number in range(24, 4, -1)]
    assert [row.key for row in oldest] == ["04", "03", "02", "01", "00"]
    with pytest.raises(NotFound):
        at("/try/form?page=3", lambda: listed(query))


def test_another_page_of_the_same_question(at):
    address = at("/try/form?q=%ED%9A%8C%EC%9D%98&tag=a&tag=b&page=1", lambda: Paging(1, 50).url(2))

    assert address == "/try/form?q=%ED%9A%8C%EC%9D%98&tag=a&tag=b&page=2"


@pytest.mark.parametrize("path", ["//evil.example/x", "/\\evil.example", "///evil.example", "/%09//evil.example"])
def test_no_address_leads_to_another_site(staged, path):
    with staged.test_request_context(path):
        address = with_query(page=2)

    assert address.startswith("/")
    assert address[1] not in "/\\\t"


def test_an_address_is_written_so_that_it_can_be_followed(at):
    assert at("/try/a%3Fb%23c/%ED%95%9C", lambda: with_query(x=1)) == "/try/a%3Fb%23c/%ED%95%9C?x=1"


def test_a_misspelt_name_is_an_error_not_an_empty_place(staged):
    with staged.test_request_context("/"), pytest.raises(UndefinedError):
        staged.jinja_env.from_string("{{ oops }}").render()


def test_sentences_may_hold_our_markup_and_their_parts_are_escaped(staged):
    sentences = "{{ _('<b>{name}</b>', name='<i>') }} {{ ngettext('{n} {x}', '{n} {x}s', 2, x='<') }}"
    page, letter = (
        staged.jinja_env.from_string(f"{{% autoescape {kind} %}}{sentences}{{% endautoescape %}}").render()
        for kind in ("true", "false")
    )

    assert (page, letter) == ("<b>&lt;i&gt;</b> 2 &lt;s", "<b><i></b> 2 <s")


def test_what_is_told_appears_on_the_next_page_once(visitor):
    visitor.send("/try/form", name="tea")

    assert "It is done." in visitor.get("/try/question").text
    assert "It is done." not in visitor.get("/try/question").text


def test_static_files_are_named_by_their_content(staged):
    with staged.test_request_context("/"):
        address = staged.jinja_env.globals["static"]("maeul.css")

    assert address.startswith("/static/maeul.css?v=")
    assert len(address.split("=")[1]) == 12


def test_the_city_is_named_in_the_readers_language(staged):
    with staged.test_request_context("/"):
        english = pages.page("try/form.html", form=Form(Wish())).get_data(as_text=True)
        with words.speaking("ko"):
            korean = pages.page("try/form.html", form=Form(Wish())).get_data(as_text=True)

    assert "Haneul City" in english
    assert "하늘시" in korean
