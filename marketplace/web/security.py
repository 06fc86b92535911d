"""What protects every request: one transaction, limits, CSRF, content policy, headers, cookies."""

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Any, TypeVar

import sqlalchemy as sa
import structlog
from flask import Flask, Response, abort, current_app, g, request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_wtf.csrf import CSRFProtect, generate_csrf
from werkzeug.routing import IntegerConverter

from marketplace.kernel import credentials, db, limits
from marketplace.settings import Settings
from marketplace.web.access import SAFE_METHODS
from marketplace.web.errors import wants_json

View = TypeVar("View", bound=Callable[..., Any])
MEGABYTE = 1024 * 1024
MOST_SENT, MOST_SENT_WITH_FILES = 2 * MEGABYTE, 64 * MEGABYTE
MOST_HEARD_OUT = 256 * MEGABYTE
log = structlog.get_logger()
csrf = CSRFProtect()


@dataclass(frozen=True, slots=True)
class Limit:
    """How often something may be tried, counted by what `key` makes of the request without asking the database."""

    name: str
    allowed: int
    per: timedelta
    key: Callable[[], str]


def address() -> str:
    """Where the request comes from: of IPv6 the network, as whoever has one address has 2^64 of them."""
    given = request.remote_addr or "unknown"
    with suppress(ValueError):
        found = ip_address(given)
        if isinstance(found, IPv6Address):
            return str(found.ipv4_mapped or IPv6Network((int(found), 64), strict=False))
    return given


def visitor() -> str:
    """Who is signed in, in this browser or by this program's token."""
    return (
        credentials.digest(request.headers.get("Authorization", "")) if wants_json() else str(session.get("_user_id"))
    )


def everyone() -> str:
    """One count for all."""
    return "all"


def limited(*limits_: Limit, reading: bool = False) -> Callable[[View], View]:
    """Refuse an unsafe request to this route, and if `reading` costs much any, with 429 once a limit is spent."""

    def mark(view: View) -> View:
        view.limits, view.limits_reading = limits_, reading  # type: ignore[attr-defined]
        return view

    return mark


def takes_files(view: View) -> View:
    """Let who is signed in send this route as much as files need."""
    view.takes_files = True  # type: ignore[attr-defined]
    return view


def sealed(view: View) -> View:
    """Whoever holds the address of this route may post to it, from anywhere: the seal in it is proof enough."""
    view.sealed = True  # type: ignore[attr-defined]
    return view


class RowNumber(IntegerConverter):
    """A number in an address: one that no row can have is not found, before the database is asked."""

    def __init__(self, map: Any, max: int = 2**31 - 1, **options: Any) -> None:  # noqa: A002 - werkzeug's names
        super().__init__(map, max=max, **options)


class BrowserSessions(SecureCookieSessionInterface):
    """Cookies are for pages only: a program under /api/ identifies itself by a bearer token and nothing else."""

    def open_session(self, app: Flask, request: Any) -> SecureCookieSession | None:
        """An empty session for programs."""
        return SecureCookieSession() if request.path.startswith("/api/") else super().open_session(app, request)

    def save_session(self, app: Flask, session: Any, response: Response) -> None:
        """No cookie for programs."""
        if not wants_json():
            super().save_session(app, session, response)


def _spend_limits() -> None:
    if request.endpoint is None:
        return
    view = current_app.view_functions[request.endpoint]
    if request.method in SAFE_METHODS and not getattr(view, "limits_reading", False):
        return
    chosen: tuple[Limit, ...] = getattr(view, "limits", ())
    for limit in chosen:
        with db.separate() as own:
            limits.spend(own, f"{limit.name}:{limit.key()}", limit.allowed, limit.per)


def _make_room_for_files() -> None:
    view = current_app.view_functions.get(request.endpoint or "")
    if getattr(view, "takes_files", False) and "_user_id" in session:
        request.max_content_length = MOST_SENT_WITH_FILES


def _hear_out(response: Response) -> Response:
    """Read to its end what was too much: a browser that is cut off while it sends never shows why."""
    if response.status_code == 413:
        left = min(request.content_length or 0, MOST_HEARD_OUT)
        with suppress(OSError):
            while left > 0 and (part := request.environ["wsgi.input"].read(min(left, MEGABYTE))):
                left -= len(part)
    return response


def _refuse_unwritable() -> None:
    """Nothing is at an address with a NUL, which PostgreSQL would not even look up."""
    if "\0" in request.path:
        abort(404)


def _begin() -> None:
    if request.endpoint not in (None, "static"):
        db.begin(read_only=request.method in SAFE_METHODS)


def _protect() -> None:
    if request.method in SAFE_METHODS or wants_json() or _is_sealed():
        return
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        abort(403)
    csrf.protect()


def _is_sealed() -> bool:
    return getattr(current_app.view_functions.get(request.endpoint or ""), "sealed", False)


def _end(response: Response) -> Response:
    """Commit what was done if the answer says that it was done; otherwise nothing was."""
    if request.endpoint in (None, "static"):
        return response
    if response.status_code >= 400 and not is_kept():
        db.session.rollback()
        return response
    try:
        db.session.commit()
    except Exception as failure:  # noqa: BLE001 - whatever it was, it must not look like success
        return current_app.make_response(current_app.handle_user_exception(failure))
    return response


def keep() -> None:
    """Commit although the answer is a refusal: a form is shown again, and the files that came with it are received."""
    g.kept = True


def is_kept() -> bool:
    """Whether a refused request leaves something behind."""
    return bool(g.get("kept", False))


def afterwards(work: Callable[[], object]) -> None:
    """Do something in a transaction of its own once this request's is over: a page that is read writes nothing."""
    g.setdefault("afterwards", []).append(work)


def _do_afterwards() -> None:
    for work in g.pop("afterwards", ()):
        try:
            with db.transaction():
                work()
        except sa.exc.OperationalError as failure:
            log.warning("not_done_afterwards", error=type(failure).__name__)


def nonce() -> str:
    """The word by which this page's own scripts are known."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def records() -> str:
    """Let this page ask for the microphone and the camera; for templates, so it adds nothing to the page."""
    g.records = True
    return ""


def _permissions() -> str:
    recording = "(self)" if g.get("records") else "()"
    return f"camera={recording}, geolocation=(self), microphone={recording}, payment=()"


def _policy(settings: Settings) -> str:
    tiles = f" {'/'.join(settings.tile_url.split('/')[:3])}" if settings.tile_url else ""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'nonce-{nonce()}' 'strict-dynamic'",
            "style-src 'self'",
            f"img-src 'self' data:{tiles}",
            "media-src 'self' blob:",
            "font-src 'self'",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def install(app: Flask, settings: Settings) -> None:
    """Protect every request of the app; the order of the steps matters."""
    app.session_interface = BrowserSessions()
    app.url_map.converters["int"] = RowNumber
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SESSION_COOKIE_NAME="__Host-maeul" if settings.secure else "maeul",
        SESSION_COOKIE_SECURE=settings.secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(days=30),
        MAX_CONTENT_LENGTH=MOST_SENT,
        MAX_FORM_MEMORY_SIZE=MEGABYTE // 4,
        MAX_FORM_PARTS=200,
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=True,
    )
    csrf.init_app(app)

    @app.before_request
    def name_the_request() -> None:
        g.request_id = secrets.token_hex(8)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    app.before_request(_refuse_unwritable)
    app.before_request(_make_room_for_files)
    app.before_request(_protect)
    app.before_request(_spend_limits)
    app.before_request(_begin)

    @app.after_request
    def headers(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", _policy(settings))
        response.headers.update(
            {
                "X-Content-Type-Options": "nosniff",
                "Referrer-Policy": "same-origin",
                "Cross-Origin-Opener-Policy": "same-origin",
                "Cross-Origin-Resource-Policy": "same-origin",
                "Permissions-Policy": _permissions(),
                "X-Request-Id": g.get("request_id", ""),
            }
        )
        if settings.secure:
            response.headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"
        if request.endpoint != "static":
            response.headers.setdefault("Cache-Control", "private, no-cache")
        elif "v" in request.args:
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response

    app.after_request(_end)
    app.after_request(_hear_out)

    @app.teardown_request
    def leave(_: BaseException | None) -> None:
        db.session.remove()
        _do_afterwards()

    app.jinja_env.globals.update(csp_nonce=nonce, csrf_token=generate_csrf, records=records)
