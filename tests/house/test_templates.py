"""Templates: each compiles, and names nothing that does not exist."""

import re

import pytest
from jinja2 import meta, nodes

from marketplace.web.pages import TEMPLATES

NAMES = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*") if path.suffix in (".html", ".txt"))
EVENTS = "blur|change|click|error|focus|input|key\\w+|load|mouse\\w+|pointer\\w+|reset|scroll|submit|toggle|touch\\w+"
UNSAFE = {
    "a style written into the page": r"[\s\"']style\s*=|[\"']style[\"']\s*:|<style",
    "a script written into an attribute": rf"[\s\"']on({EVENTS})\s*=|[\"']on({EVENTS})[\"']\s*:|hx-on|javascript:",
    "a script without this page's nonce": r"<script(?![^>]*nonce=)",
    "something from another site": r"(src|srcset|action)=\"(https?:)?//|<link[^>]*href=\"(https?:)?//",
}


@pytest.fixture(scope="module")
def read(app):
    """The syntax tree of a template."""
    return lambda name: app.jinja_env.parse((TEMPLATES / name).read_text("utf-8"), name)


@pytest.mark.parametrize("name", NAMES)
def test_it_compiles(app, name):
    app.jinja_env.get_template(name)


@pytest.mark.parametrize("name", NAMES)
def test_its_filters_and_tests_exist(app, read, name):
    """Jinja itself does not look inside conditions."""
    tree = read(name)

    assert {node.name for node in tree.find_all(nodes.Filter)} - set(app.jinja_env.filters) == set()
    assert {node.name for node in tree.find_all(nodes.Test)} - set(app.jinja_env.tests) == set()


@pytest.mark.parametrize("name", NAMES)
def test_what_it_calls_exists(app, read, name):
    """A name that is called is a macro of the template, imported, or global: pages are given values, not functions."""
    tree = read(name)
    brought = {
        own if isinstance(own, str) else own[1] for taken in tree.find_all(nodes.FromImport) for own in taken.names
    }
    made = {macro.name for macro in tree.find_all(nodes.Macro)}
    called = {node.node.name for node in tree.find_all(nodes.Call) if isinstance(node.node, nodes.Name)}
    given = {"caller", "super"} | set(app.jinja_env.globals) | brought | made

    assert called & meta.find_undeclared_variables(tree) - given == set()


@pytest.mark.parametrize("name", NAMES)
def test_what_it_takes_from_other_templates_exists(read, name):
    for taken in read(name).find_all((nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)):
        if isinstance(taken.template, nodes.Const):
            assert taken.template.value in NAMES
        if isinstance(taken, nodes.FromImport):
            other = read(taken.template.as_const())
            assigned = [node.target for node in other.body if isinstance(node, nodes.Assign)]
            offered = {node.name for node in [*other.body, *assigned] if isinstance(node, nodes.Macro | nodes.Name)}
            assert {own if isinstance(own, str) else own[0] for own in taken.names} - offered == set()


@pytest.mark.parametrize("name", NAMES)
def test_only_what_stands_in_it_goes_out_unescaped(read, name):
    tree = read(name)
    let_out = [node for node in tree.find_all(nodes.Filter) if node.name == "safe"]

    assert [node.lineno for node in let_out if not isinstance(node.node, nodes.Const)] == []
    assert not list(tree.find_all((nodes.MarkSafe, nodes.ScopedEvalContextModifier)))


@pytest.mark.parametrize("what", UNSAFE)
def test_no_template_holds(what):
    letter = {"letters/letter.html"} if "style" in what else set()  # read by mail programs, which fetch no style sheet
    names = [name for name in NAMES if name.endswith(".html") and name not in letter]
    pages = {name: (TEMPLATES / name).read_text("utf-8") for name in names}

    assert [name for name, text in pages.items() if re.search(UNSAFE[what], text, re.IGNORECASE)] == []
