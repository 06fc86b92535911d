"""Pages: rendering a template with the civic surroundings, and cutting long lists into pages."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar, cast
from urllib.parse import quote, urlencode

import jinja2
import sqlalchemy as sa
from flask import (
    Flask,
    Response,
    current_app,
    flash,
    get_flashed_messages,
    make_response,
    render_template,
    request,
    url_for,
)
from jinja2.nodes import EvalContext
from markupsafe import Markup

from marketplace.kernel import db, words
from marketplace.kernel.errors import NotFound
from marketplace.web import macros

Row = TypeVar("Row")

PER_PAGE = 20
TEMPLATES = Path(__file__).parent.parent.parent / "templates"


def page(template: str, **context: object) -> Response:
    """A page a person reads."""
    return make_response(render_template(template, **context))


def tell(text: object, kind: str = "success") -> None:
    """Say something at the top of the next page."""
    flash(str(text), kind)


@dataclass(frozen=True, slots=True)
class Paging:
    """Which stretch of a long list to show."""

    number: int
    total: int
    size: int = PER_PAGE

    @property
    def count(self) -> int:
        """How many pages there are; at least one."""
        return max(1, -(-self.total // self.size))

    @property
    def offset(self) -> int:
        """How many rows come before this page."""
        return (self.number - 1) * self.size

    def cut(self, rows: Sequence[Row]) -> Sequence[Row]:
        """The rows of this page."""
        return rows[self.offset : self.offset + self.size]

    def url(self, number: int) -> str:
        """The same search at another page."""
        return with_query(page=number)


def with_query(**changes: object) -> str:
    """This page's address with some of its questions changed; never the address of another site."""
    query = [(name, value) for name, value in request.args.items(multi=True) if name not in changes]
    return f"/{quote(request.path.lstrip('/'))}?{urlencode([*query, *changes.items()])}"


def has_fund() -> bool:
    """Whether the city switched its insurance fund on."""
    return bool(current_app.extensions["settings"].insurance_fund)


def whole_address(path: str) -> str:
    """A page's address for elsewhere, on the site's own name and never one that a request claims to have asked."""
    base: str = current_app.extensions["settings"].base_url
    return base.rstrip("/") + path


def paging(total: int, size: int = PER_PAGE) -> Paging:
    """The page that the address asks for; one beyond the end is not found."""
    text = request.args.get("page", "1")
    number = int(text) if text.isdecimal() and len(text) < 7 else 0
    found = Paging(number, total, size)
    if not 1 <= number <= found.count:
        raise NotFound
    return found


def listed(query: sa.Select[Row]) -> tuple[Paging, list[Row]]:
    """The page of a long list that the address asks for, and what is on it."""
    pages = paging(db.count(query))
    return pages, list(db.session.scalars(query.limit(pages.size).offset(pages.offset)).unique())


@jinja2.pass_eval_context
def translated(context: EvalContext, message: str, **parts: object) -> str:
    """gettext for templates: on a page the message may hold markup of ours and its parts are escaped."""
    text = Markup(words._(message)) if context.autoescape else words._(message)  # noqa: S704 - our own text
    return text.format(**parts) if parts else text


@jinja2.pass_eval_context
def translated_many(context: EvalContext, one: str, many: str, n: int, **parts: object) -> str:
    """ngettext for templates."""
    message = words.plural(one, many, n)
    text = Markup(message) if context.autoescape else message  # noqa: S704 - our own text
    return text.format(n=n, **parts)


@lru_cache(maxsize=256)
def _fingerprint(file: str, _changed: int) -> str:
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()[:12]


def install(app: Flask) -> None:
    """Strict templates: an undefined name is an error, not an empty place on the page."""
    app.jinja_env.undefined = jinja2.StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    macros.install(app.jinja_env, app.extensions["settings"].data_dir / "compiled")

    def static(path: str) -> str:
        file = Path(app.static_folder or "") / path
        return url_for("static", filename=path, v=_fingerprint(str(file), file.stat().st_mtime_ns))

    def messages() -> list[tuple[str, str]]:
        return cast("list[tuple[str, str]]", get_flashed_messages(with_categories=True))

    app.jinja_env.globals.update(
        _=translated,
        ngettext=translated_many,
        static=static,
        with_query=with_query,
        idempotency_key=lambda: secrets.token_urlsafe(16),
    )

    @app.context_processor
    def surroundings() -> dict[str, object]:
        language = words.language.get()
        settings = app.extensions["settings"]
        return {
            "language": language,
            "city_name": settings.city_name(language),
            "settings_public": {"tile_url": settings.tile_url},
            "request_path": request.path if request else "",
            "messages": messages() if request else [],
            "navigation": [
                (words._("Rooms"), "/spaces/"),
                (words._("Things"), "/items/"),
                (words._("Home share"), "/homeshare"),
                (words._("Buildings"), "/buildings/"),
                (words._("Groups"), "/groups/"),
            ],
            "footer_links": [
                (words._("About Maeul"), "/about"),
                (words._("Accessibility"), "/accessibility"),
                (words._("Privacy"), "/privacy"),
                (words._("Data and programs (API)"), "/api"),
                *([(words._("Source code"), settings.source_url)] if settings.source_url else []),
            ],
        }
