"""A few pages made for trying the ground they stand on."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Flask, Response, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from jinja2 import ChoiceLoader, DictLoader
from marshmallow import Schema, fields, validate

from marketplace.kernel import clock, db, errors
from marketplace.kernel.limits import RateCounter
from marketplace.kernel.words import _l, _m
from marketplace.web import access
from marketplace.web.access import public, residents, staff
from marketplace.web.forms import Form
from marketplace.web.pages import page, tell
from marketplace.web.security import Limit, everyone, limited

CANARY = "canary-4711"
PAGE = """
{% extends "layout/base.html" %}{% from "parts/forms.html" import error_summary, hidden_fields, text_field %}
{% block title %}Try{% endblock %}
{% block content %}
<form method="post">{{ error_summary(form) }}{{ hidden_fields(form) }}{{ text_field(form, "name", "Name") }}</form>
{% for name in form.schema.fields %}<p id="{{ name }}-value">{{ form.value(name) }}</p>{% endfor %}
<p id="refusal">{{ form.refusal.code if form.refusal else "" }}</p>
{% endblock %}
"""


class Refused(errors.Conflict):
    """A rule said no."""

    message = _l("A rule says no to {name}.")


class Wish(Schema):
    """A field of each kind."""

    name = fields.String(required=True, validate=validate.Length(max=20))
    number = fields.Integer(validate=validate.Range(1, 9))
    price = fields.Float()
    day = fields.Date()
    time = fields.Time()
    email = fields.Email()
    kind = fields.String(validate=validate.OneOf(["a", "b"]))
    code = fields.String(validate=validate.Regexp("[0-9]+$", error=_m("Enter digits.")))
    tags = fields.List(fields.String(validate=validate.Length(max=5)))
    loud = fields.Boolean()


def trace(name: str) -> None:
    """Something written, to be looked for afterwards; the same name cannot be written twice."""
    db.session.add(RateCounter(key=f"trace:{name}", window_start=clock.now(), count=1))


def traces() -> list[str]:
    """What is written."""
    found = db.session.scalars(sa.select(RateCounter.key).where(RateCounter.key.startswith("trace:")))
    return sorted(key.removeprefix("trace:") for key in found)


def fail(name: str) -> None:
    """What the name of a wish asks for."""
    refusals: dict[str, Exception] = {
        "rule": Refused(name=name, field="name"),
        "whole": Refused(name=name),
        "hidden": errors.NotFound(),
        "forbidden": errors.Forbidden(),
        "bug": RuntimeError(CANARY),
        "overflow": OverflowError(CANARY),
    }
    if name in refusals:
        raise refusals[name]


bp = Blueprint("try", __name__)


@bp.route("/try/form", methods=["GET", "POST"])
@public
def form() -> Any:
    """Wish for something."""
    trace("before") if request.method == "POST" else None
    with Form(Wish(), name="as before", tags=["x"]) as wish:
        if wish.submitted:
            trace(wish.data["name"])
            db.session.flush()
            fail(wish.data["name"])
            tell("It is done.")
            return redirect(f"/try/done/{wish.data['name']}", 303)
    response = wish.page("try/form.html")
    response.headers["X-Traces"] = ",".join(traces())
    return response


@bp.get("/try/question")
@public
def question() -> Response:
    """Ask for something."""
    return Form(Wish(), method="GET").page("try/form.html")


@bp.post("/api/try")
@public
def program() -> tuple[Response, int]:
    """Wish as a program does."""
    name = str((request.get_json() or {}).get("name"))
    trace(name)
    db.session.flush()
    fail(name)
    return jsonify({"name": name, "at": len(traces())}), 201


@bp.route("/try/answer/<int:status>", methods=["GET", "POST"])
@public
def answer(status: int) -> Response:
    """Write, then answer with some status."""
    trace(str(status))
    return Response("said", status)


@bp.route("/try/broken", methods=["GET", "POST"])
@public
def broken() -> Response:
    """Write, then break."""
    trace("broken")
    db.session.flush()
    raise RuntimeError(CANARY)


@bp.post("/try/clash")
@public
def clash() -> ResponseReturnValue:
    """Write what the database refuses only when it is asked to keep it."""
    trace("clash")
    db.session.flush()
    trace("clash")
    tell("It is done.")
    return redirect("/try/done/clash", 303)


@bp.get("/try/misnamed")
@public
def misnamed() -> Response:
    """A template that names what is not there."""
    return page("try/misnamed.html")


@bp.get("/try/number/<int:number>")
@public
def number(number: int) -> Response:
    """Look for a row by any number."""
    return jsonify(db.session.scalar(sa.select(RateCounter.key).where(RateCounter.count == number)))


@bp.post("/try/limited")
@public
@limited(Limit("try", 2, timedelta(minutes=30), everyone))
def limited_page() -> Response:
    """May be tried twice."""
    fail(request.form.get("name", ""))
    return Response("tried")


@bp.route("/try/residents", methods=["GET", "POST"])
@residents
def for_residents() -> Response:
    """Of whoever is signed in."""
    return Response(",".join(f"{name}={value}" for name, value in request.form.items(multi=True) if name[0] != "c"))


@bp.get("/try/managers")
@staff("manager")
def for_managers() -> Response:
    """Of managers."""
    return Response("yours")


@bp.get("/api/try/residents")
@residents
def for_programs() -> Response:
    """Of a program with a token."""
    return Response("yours")


def build(app: Flask) -> Flask:
    """The application with these pages."""
    app.register_blueprint(bp)
    app.jinja_loader = ChoiceLoader(
        [
            DictLoader(
                {
                    "try/form.html": PAGE,
                    "try/misnamed.html": "{{ nothing_of_this_name }}",
                    "try/letter.txt": "{{ subject }}\n\n{{ body }}",
                }
            ),
            *([app.jinja_loader] if app.jinja_loader else []),
        ]
    )
    access.check(app)
    return app
