"""A refusal as a page or as problem+json (RFC 9457), in one place."""

import json
from datetime import datetime, timedelta
from http import HTTPStatus

import sqlalchemy as sa
import structlog
from flask import Flask, Response, request, session
from markupsafe import escape
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

from marketplace.kernel import clock, db, words
from marketplace.kernel.errors import DomainError
from marketplace.kernel.words import Text, _l
from marketplace.web.pages import page

log = structlog.get_logger()

TITLES: dict[int, Text] = {
    400: _l("That request could not be read"),
    401: _l("Please sign in"),
    403: _l("You may not do that"),
    404: _l("Page not found"),
    405: _l("That address does not take this kind of request"),
    409: _l("That is no longer possible"),
    412: _l("That has changed meanwhile"),
    413: _l("That is too much at once"),
    415: _l("That kind of content is not read here"),
    422: _l("Something is not right yet"),
    429: _l("Too many tries"),
    500: _l("Something broke on our side"),
    503: _l("The service is busy"),
}
SENTENCES: dict[int, Text] = {
    400: _l("Your page may be too old. Go back, load it again and send it once more. What you typed is still there."),
    401: _l("Send a bearer token made on your account page."),
    403: _l("Your account may not do that."),
    404: _l("There is nothing at this address, or it is not yours to see."),
    405: _l("Follow the links or buttons of a page to get here."),
    413: _l("What was sent is larger than this page accepts. Nothing was saved."),
    415: _l("Send application/json."),
    500: _l("It is not your fault, and nothing was half done. Please try again in a few minutes."),
    503: _l("Many people are here at the same moment, or we are restarting. Please try again in a minute."),
}


CHANGED = _l("Someone changed this while you were looking at it.")
UNREADABLE = _l("Some of what was sent is too large or cannot be written down. Nothing was saved.")


def code_of(name: str) -> str:
    """The stable name for programs of an HTTP status: Not Found is not_found."""
    return name.lower().replace(" ", "_")


def wants_json() -> bool:
    """Whether a program asked: everything under /api/ answers in JSON."""
    return request.path.startswith("/api/")


def answer(status: int, title: object, sentence: object, code: str, **more: object) -> Response:
    """One error, for a person or for a program."""
    if wants_json():
        own = {"type": f"/api#{code}", "title": str(title), "status": status, "detail": str(sentence)}
        problem = json.dumps(own | more | own, ensure_ascii=False)
        response = Response(problem, content_type="application/problem+json")
    else:
        response = _error_page(status, title, sentence)
    response.status_code = status
    return response


def _error_page(status: int, title: object, sentence: object) -> Response:
    """The page of an error; if that cannot be made either, one that needs no database and no template."""
    try:
        return page("errors/error.html", title=title, sentence=sentence, advice=[], status=status)
    except Exception as failure:  # noqa: BLE001 - whatever broke, the visitor gets a sentence
        log.error("error_page_failed", error=type(failure).__name__)
        db.session.rollback()
        return Response(
            f'<!DOCTYPE html><html lang="{words.language.get()}"><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)}</title>'
            f'<h1>{escape(title)}</h1><p>{escape(sentence)}</p><p><a href="/">Maeul</a></p></html>',
            content_type="text/html; charset=utf-8",
        )


def facts(refusal: DomainError) -> dict[str, object]:
    """What a program may want to know of a refusal beside its sentence: moments in ISO 8601, lengths in minutes."""
    told: dict[str, object] = {}
    for name, value in refusal.details.items():
        if name == "field":
            told["errors"] = {str(value): [str(refusal.sentence)]}
        elif isinstance(value, datetime):
            told[name] = clock.local(value).isoformat()
        elif isinstance(value, timedelta):
            told[f"{name}_minutes"] = int(value.total_seconds()) // 60
        else:
            told[name] = value if isinstance(value, str | int | float | dict | list | None) else str(value)
    return told


def install(app: Flask) -> None:
    """Give every failure its page."""

    @app.errorhandler(DomainError)
    def refused(refusal: DomainError) -> Response:
        response = answer(refusal.status, refusal.title, refusal.sentence, refusal.code, **facts(refusal))
        if seconds := refusal.details.get("retry_after"):
            response.headers["Retry-After"] = str(seconds)
        return response

    @app.errorhandler(HTTPException)
    def http(failure: HTTPException) -> Response:
        if original := getattr(failure, "original_exception", None):
            return broken(original)
        status = failure.code or 500
        title = TITLES.get(status, TITLES[400])
        response = answer(status, title, SENTENCES.get(status, SENTENCES[400]), code_of(failure.name))
        if status == HTTPStatus.UNAUTHORIZED:
            response.headers["WWW-Authenticate"] = "Bearer"
        for name, value in failure.get_headers():
            if name in ("Allow", "WWW-Authenticate", "Retry-After"):
                response.headers[name] = value
        return response

    @app.errorhandler(StaleDataError)
    def stale(_: StaleDataError) -> Response:
        return answer(409, TITLES[409], CHANGED, "changed_meanwhile")

    @app.errorhandler(sa.exc.OperationalError)
    def busy(failure: sa.exc.OperationalError) -> Response:
        if not db.is_busy(failure):
            return broken(failure)
        log.warning("database_busy", error=type(failure.orig).__name__)
        db.session.rollback()
        session.pop("_flashes", None)
        response = answer(503, TITLES[503], SENTENCES[503], "busy")
        response.headers["Retry-After"] = "5"
        return response

    @app.errorhandler(sa.exc.DataError)
    @app.errorhandler(OverflowError)
    def unreadable(failure: Exception) -> Response:
        log.warning("unreadable", route=str(request.url_rule), exc_info=failure)
        db.session.rollback()
        return answer(400, TITLES[400], UNREADABLE, "unreadable")

    @app.errorhandler(Exception)
    def broken(failure: Exception) -> Response:
        log.error("failed", route=str(request.url_rule), exc_info=failure)  # an address may hold a secret link
        db.session.rollback()
        session.pop("_flashes", None)  # what a page was about to tell did not happen
        return answer(500, TITLES[500], SENTENCES[500], "broken")

    app.log_exception = lambda _failure: None  # type: ignore[method-assign, assignment] # broken() does, without messages
