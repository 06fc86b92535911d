"""GOV.UK components inside our strict templates."""

import pytest
from jinja2 import Environment, StrictUndefined

from marketplace.kernel.words import _l
from marketplace.web import macros


@pytest.fixture(scope="module")
def strict() -> Environment:
    environment = Environment(undefined=StrictUndefined, autoescape=True)
    macros.install(environment)
    return environment


def test_components_accept_what_nobody_passed(strict):
    assert "<button" in strict.from_string('{{ govukButton({"text": "Go"}) }}').render()


def test_what_a_caller_writes_inside_a_component_stays_markup_and_its_values_are_escaped(strict):
    page = strict.from_string(
        '{% call govukFieldset({"legend": {"text": name}}) %}<em>{{ name }}</em>{% endcall %}'
    ).render(name="<R&D>")

    assert "<em>&lt;R&amp;D&gt;</em>" in page
    assert page.count("&lt;R&amp;D&gt;") == 2


def test_texts_translated_late_are_escaped_once(strict):
    page = strict.from_string(
        '{{ govukInput({"name": "a", "label": {"text": text}, "errorMessage": {"text": text}}) }}'
    ).render(text=_l("<R&D>"))

    assert page.count("&lt;R&amp;D&gt;") == 2
    assert "<R&D>" not in page
