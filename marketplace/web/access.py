"""Access marks: every route says who may come in; the app refuses to start if one does not."""

import json
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import Flask, Response, abort, current_app, flash, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, current_user
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from marketplace.kernel import clock, hooks
from marketplace.kernel.errors import Forbidden, NotFound
from marketplace.kernel.words import _l
from marketplace.web.errors import wants_json

View = TypeVar("View", bound=Callable[..., Any])
NOT_KEPT = re.compile("csrf_token|password|current")
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
KEPT_BYTES = 2400
"""What fits into the cookie beside all else; about a thousand characters of Korean."""
TOO_LONG = _l("What you typed is too long to be kept meanwhile. Go back, copy it, and paste it in again afterwards.")
WITHOUT_FILES = _l("Files are not kept meanwhile. What you typed is sent without them.")
PROVED_FOR = timedelta(minutes=15)
"""How long nobody is asked again who they are."""
login = LoginManager()


class NotForPrograms(Forbidden):
    """A sensitive act, which a token alone is not enough for."""

    message = _l("Programs may not do this. Sign in on the pages and do it there.")


class SecondFactorMissing(Forbidden):
    """Whoever works for the city needs more than a password."""

    message = _l("Your role needs a second factor. Sign in on the pages and set one up.")


@dataclass(frozen=True, slots=True)
class Mark:
    """Who may use a route: everyone, anyone signed in, or holders of one of these roles."""

    everyone: bool = False
    roles: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "public" if self.everyone else "staff: " + ", ".join(self.roles) if self.roles else "residents"


def public(view: View) -> View:
    """Everyone may use this route."""
    view.access = Mark(everyone=True)  # type: ignore[attr-defined]
    return view


def residents(view: View) -> View:
    """Anyone who is signed in may use this route."""
    view.access = Mark()  # type: ignore[attr-defined]
    return view


def staff(*roles: str) -> Callable[[View], View]:
    """Holders of one of these roles may use this route; to everyone else it does not exist."""

    def mark(view: View) -> View:
        view.access = Mark(roles=roles)  # type: ignore[attr-defined]
        return view

    return mark


def stepped_up(view: View) -> View:
    """A sensitive act: whoever has not proved for a while who they are does so again first, and then goes on."""
    view.stepped_up = True  # type: ignore[attr-defined]
    return view


def has_proved(person: Any) -> bool:
    """Whether the person lately proved who they are, in this browser; a program never does."""
    return person.proved_at is not None and clock.now() - person.proved_at < PROVED_FOR


def recognised(person: Any) -> Any:
    """The person, from here on with the powers of their roles only if the second factor they need was shown."""
    person.second_step_at = next(hooks.second_step_missing.each(person), None)
    return person


def current_person() -> Any:
    """The person this request comes from, or None."""
    return current_user._get_current_object() if current_user.is_authenticated else None


def mark_of(app: Flask, endpoint: str) -> Mark | None:
    """The mark that a route wears."""
    return getattr(app.view_functions[endpoint], "access", None)


def keep_what_was_typed() -> str:
    """Remember the request that needs signing in, and give the address to come back to afterwards."""
    if request.method in SAFE_METHODS:
        return request.full_path.rstrip("?")
    session.pop("typed", None)
    g.typed_kept = True
    typed = [(name, value) for name, value in request.form.items(multi=True) if not NOT_KEPT.search(name)]
    if len(zlib.compress(json.dumps(typed).encode())) <= KEPT_BYTES:
        session["typed"] = {"path": request.full_path.rstrip("?"), "fields": typed}
    else:
        flash(str(TOO_LONG), "error")
    if any(file.filename for file in request.files.values()):
        flash(str(WITHOUT_FILES), "error")
    return url_for("accounts.go_on")


def what_was_typed() -> tuple[str, MultiDict[str, str]] | None:
    """The kept request's address and fields, until it is sent again."""
    kept = session.get("typed")
    return (kept["path"], MultiDict(kept["fields"])) if kept else None


def _admit() -> ResponseReturnValue | None:
    """Let the request in if its route's mark allows it."""
    if request.endpoint is None:
        return None
    mark = mark_of(current_app, request.endpoint)
    if mark is None or mark.everyone:
        return None
    person = current_person()
    if person is None:
        if wants_json():
            abort(401)
        return by_way_of(url_for("accounts.sign_in"), keep_what_was_typed())
    if mark.roles and not person.holds(*mark.roles):
        if wants_json():
            raise Forbidden
        abort(404)
    if mark.roles:
        hooks.entering_by_role.ask(person)
    return (mark.roles and _lead_to_second_factor(person)) or _ask_again(person) or None


def _lead_to_second_factor(person: Any) -> BaseResponse | None:
    if person.second_step_at is None:
        return None
    if wants_json():
        raise SecondFactorMissing
    return by_way_of(person.second_step_at, keep_what_was_typed())


def reveal_by_role(question: Callable[..., bool], person: Any, *things: Any) -> None:
    """Go on only if the person may know that the thing exists; otherwise NotFound.

    Who may but for the second factor that the role needs is led to set one up first, and then on.
    """
    if question(person, *things):
        return
    if person is not None and _once_on_duty(question, person, *things) and (way := _lead_to_second_factor(person)):
        abort(way)
    raise NotFound


def _once_on_duty(question: Callable[..., bool], person: Any, *things: Any) -> bool:
    missing, person.second_step_at = person.second_step_at, None
    try:
        return missing is not None and question(person, *things)
    finally:
        person.second_step_at = missing


def _ask_again(person: Any) -> ResponseReturnValue | None:
    view = current_app.view_functions[str(request.endpoint)]
    if not getattr(view, "stepped_up", False) or has_proved(person):
        return None
    if wants_json():
        raise NotForPrograms
    return by_way_of(url_for("factors.prove"), keep_what_was_typed())


def by_way_of(page: str, onward: str) -> BaseResponse:
    """To a page first, and then on."""
    return redirect(f"{page}?{urlencode({'next': onward}, safe='/')}", 303)


def _forget_typed(response: Response) -> Response:
    """Once the kept request is sent again and done, there is nothing more to keep."""
    sent = request.method not in SAFE_METHODS and response.status_code < 400 and current_user.is_authenticated
    if sent and "typed_kept" not in g and session.get("typed", {}).get("path") == request.full_path.rstrip("?"):
        del session["typed"]
    return response


def check(app: Flask) -> None:
    """Refuse to start with a route that does not say who may use it."""
    public(app.view_functions["static"])
    bare = sorted(rule.endpoint for rule in app.url_map.iter_rules() if mark_of(app, rule.endpoint) is None)
    if bare:
        raise RuntimeError(f"Routes without an access mark: {', '.join(bare)}")


def install(app: Flask) -> None:
    """Ask every request's route who may come in."""
    login.init_app(app)
    app.before_request(_admit)
    app.after_request(_forget_typed)
    app.context_processor(lambda: {"current_person": current_person() if request else None})
