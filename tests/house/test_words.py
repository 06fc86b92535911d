"""Sentences for people: each can be found by the tools of translators, and each has its Korean.

To bring the catalogue up to date after a sentence was added or changed:

    .venv/bin/pybabel extract -F babel.cfg -k _l -k _m --project Maeul --add-location=file -o /tmp/maeul.pot .
    .venv/bin/pybabel update -l ko -d marketplace/translations -i /tmp/maeul.pot \
        --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --width 120

Then fill in what is empty in marketplace/translations/ko/LC_MESSAGES/messages.po (the very first time, `init` makes it,
in place of `update` and without its second line); ./run and ./test compile it. Warnings about num_plurals mean nothing:
Korean has one form where English has two.
"""

import ast
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.frontend import CommandLineInterface
from babel.messages.pofile import read_po
from jinja2 import nodes

import marketplace
from marketplace.kernel import words
from marketplace.web.pages import TEMPLATES

PACKAGE = Path(marketplace.__file__).parent
KOREAN = words.TRANSLATIONS / "ko" / "LC_MESSAGES" / "messages.po"
FUNCTIONS = {"_", "_l", "_m", "ngettext"}
PASSES_ON = {"kernel/words.py", "web/pages.py", "web/forms.py"}
"""Where a sentence found elsewhere is translated."""


@pytest.fixture(scope="module")
def extracted(tmp_path_factory):
    """Every message in the code and the templates, as pybabel finds them."""
    pot = tmp_path_factory.mktemp("words") / "messages.pot"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(PACKAGE.parent)
        extract = ("pybabel", "-q", "extract", "-F", "babel.cfg", "-k", "_l", "-k", "_m", "-o", str(pot), ".")
        CommandLineInterface().run(list(extract))
    with pot.open("rb") as file:
        return {message.id: message for message in read_po(file) if message.id}


@pytest.fixture(scope="module")
def korean():
    if not KOREAN.exists():
        pytest.skip("there is no Korean yet")
    with KOREAN.open("rb") as file:
        return {message.id: message for message in read_po(file, locale="ko") if message.id}


def sentences(message):
    """The one sentence of a message, or its singular and plural."""
    return (message,) if isinstance(message, str) else tuple(message)


def placeholders(sentence):
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


def test_every_message_in_the_code_is_written_where_it_is_marked():
    unreadable = [
        f"{file.relative_to(PACKAGE)}:{call.lineno}"
        for file in PACKAGE.rglob("*.py")
        if str(file.relative_to(PACKAGE)) not in PASSES_ON
        for call in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in FUNCTIONS
        if not (call.args and isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str))
    ]

    assert unreadable == []


def test_every_message_in_a_template_is_written_where_it_is_marked(app):
    unreadable = [
        f"{file.relative_to(TEMPLATES)}:{call.lineno}"
        for file in TEMPLATES.rglob("*.*")
        for call in app.jinja_env.parse(file.read_text("utf-8")).find_all(nodes.Call)
        if isinstance(call.node, nodes.Name) and call.node.name in FUNCTIONS
        if not (call.args and isinstance(call.args[0], nodes.Const) and isinstance(call.args[0].value, str))
    ]

    assert unreadable == []


def test_messages_are_found_in_code_pages_and_letters(extracted):
    places = {Path(place).suffix for message in extracted.values() for place, _ in message.locations}

    assert places == {".py", ".html", ".txt"}


def test_every_message_can_be_filled_in(extracted):
    for message in extracted:
        for sentence in sentences(message):
            assert all(name.isidentifier() for name in placeholders(sentence)), sentence


def test_every_message_has_its_korean(extracted, korean):
    missing = [message for message in extracted if message not in korean or not all(sentences(korean[message].string))]

    assert missing == []


def test_no_korean_is_a_guess_or_left_over(extracted, korean):
    assert [message for message, own in korean.items() if own.fuzzy] == []
    assert [message for message in korean if message not in extracted] == []


def test_korean_sentences_have_the_same_blanks(korean):
    for message, own in korean.items():
        wanted = placeholders(sentences(message)[-1])
        assert all(placeholders(sentence) == wanted for sentence in sentences(own.string)), message
