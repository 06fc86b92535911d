"""A refusal as a page or as problem+json (RFC 9457), in one place."""

from datetime import datetime, timedelta
from http import HTTPStatus

import sqlalchemy as sa
import structlog
from flask import Flask, Response, jsonify, request
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

from marketplace.kernel import clock, db
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
    503: _l("Many people are doing this at the same moment. Nothing was saved; please try again."),
}


CHANGED = _l("Someone changed this while you were looking at it.")


def code_of(name: str) -> str:
    """The stable name for programs of an HTTP status: Not Found is not_found."""
    return name.lower().replace(" ", "_")


def wants_json() -> bool:
    """Whether a program asked: everything under /api/ answers in JSON."""
    return request.path.startswith("/api/")


def answer(status: int, title: object, sentence: object, code: str, **more: object) -> Response:
    """One error, for a person or for a program."""
    if wants_json():
        problem = {**more, "type": f"/api#{code}", "title": str(title), "status": status, "detail": str(sentence)}
        response = jsonify(problem)
        response.content_type = "application/problem+json"
    else:
        response = page("errors/error.html", title=title, sentence=sentence, advice=[], status=status)
    response.status_code = status
    return response


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
        status = failure.code or 500
        if status < HTTPStatus.BAD_REQUEST:
            return Response(failure.get_response().get_data(), status, failure.get_headers())
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
        response = answer(503, TITLES[503], SENTENCES[503], "busy")
        response.headers["Retry-After"] = "5"
        return response

    @app.errorhandler(Exception)
    def broken(failure: Exception) -> Response:
        log.error("failed", path=request.path, exc_info=failure)
        db.session.rollback()
        return answer(500, TITLES[500], SENTENCES[500], "broken")
