"""The front-end packages: only what we may serve, rendered as their makers meant, and no address of an index kept."""

import json
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import Environment, PackageLoader, PrefixLoader

from marketplace.web import vendor

ROOT = Path(__file__).resolve().parents[2]
COMPONENTS = vendor.PACKAGES / "govuk-frontend" / "dist" / "govuk" / "components"
PORTED = PackageLoader("govuk_frontend_jinja")
MACROS = Environment(
    loader=PrefixLoader({"govuk_frontend_jinja": PORTED}),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)


@pytest.fixture(scope="module", autouse=True)
def _built() -> None:
    vendor.main()


@pytest.mark.parametrize("word", [b"@font-face", b"GDS Transport", b"crest", b"sourceMappingURL"])
def test_nothing_licensed_to_others_is_served(word):
    holding = [path.name for path in vendor.VENDOR.rglob("*") if path.is_file() and word in path.read_bytes()]

    assert holding == []


def test_no_font_and_no_crest_file_is_served():
    names = {path.name for path in vendor.VENDOR.rglob("*") if path.is_file()}

    assert "govuk-frontend.min.css" in names
    assert not [name for name in names if re.search(r"crest|govuk-icon|\.woff", name)]


def test_text_is_set_in_the_civic_font():
    css = (vendor.VENDOR / "govuk-frontend.min.css").read_text("utf-8")

    assert css.count("font-family:var(--civic-font)") > 50


def test_an_unknown_style_sheet_is_refused():
    with pytest.raises(ValueError, match="needs a look"):
        vendor.neutral("body{font-family:GDS Transport}")


def test_the_lock_says_where_nothing_comes_from():
    lock = json.loads(vendor.LOCK.read_text())

    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
    assert all("integrity" in package for name, package in lock["packages"].items() if name)


def test_committed_files_hold_no_address_of_a_package_index():
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    address = re.compile(
        rb"""https?://[^\s"']*(/simple/|\.whl\b|\.tgz\b|/-/)|--(extra-)?index-url[ =]|^registry *=""", re.MULTILINE
    )
    paths = [ROOT / name for name in tracked.split("\0") if name]

    assert [path.name for path in paths if path.is_file() and address.search(path.read_bytes())] == []


@pytest.mark.parametrize("component", [name.split("/")[1] for name in PORTED.list_templates() if "/macro." in name])
def test_macros_render_what_the_package_shows(component):
    name = "govuk" + "".join(word.capitalize() for word in component.split("-"))
    macro = getattr(MACROS.get_template(f"govuk_frontend_jinja/components/{component}/macro.html").module, name)
    fixtures = json.loads((COMPONENTS / component / "fixtures.json").read_text("utf-8"))["fixtures"]

    assert fixtures
    for fixture in fixtures:
        assert _parsed(macro(fixture["options"])) == _parsed(fixture["html"]), fixture["name"]


class _Outline(HTMLParser):
    """Tags with their attributes in order of name, and words: what differs only in white space reads the same."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[object] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.parts.append((tag, sorted((name, " ".join((value or "").split())) for name, value in attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.parts.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        self.parts.extend(data.split())


def _parsed(html: str) -> list[object]:
    outline = _Outline()
    outline.feed(html)
    outline.close()
    return outline.parts
