"""The description of the API is right: it is valid, complete, and what is answered is what it says."""

import re
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import validate

from marketplace.kernel import geo
from marketplace.portal.kits.service.booking import book as book_kit
from marketplace.web import openapi
from tests.factories import (
    bearer,
    booking,
    building,
    district,
    item,
    march,
    neighbour,
    party,
    person,
    space,
    wants,
)  # fmt: skip


@pytest.fixture
def spec(browser):
    return browser.get("/api/openapi.json").get_json()


def test_the_description_is_valid_openapi(spec):
    assert spec["openapi"] == "3.1.0"
    validate(spec)


def test_it_describes_every_route_and_no_other(app, spec):
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }

    assert {(path, method) for path, methods in spec["paths"].items() for method in methods} == routes


def test_every_operation_tells_its_refusals_and_who_may_use_it(spec):
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            where = f"{method} {path}"
            assert operation["summary"], where
            assert "application/problem+json" in operation["responses"]["default"]["content"], where
            assert ("401" in operation["responses"]) == ({} not in operation["security"]), where
            assert ("requestBody" in operation) == (method in ("post", "patch")), where


def test_what_is_answered_is_what_is_described(browser, spec):
    district("North", "북구")
    hall = building("Hall", point=geo.Point(37.55, 127.05), step_free=True)
    room = space(building=hall, base_fee=3000, extra_minutes=30, extra_fee=1000, closed_days=[(0, 1)])
    building("Annex")
    space("Cellar", capacity=None, closed_days=[(1, 1)])
    resident, together = neighbour(), party()
    made = booking(room, march(3, 10, 12), by=resident)
    headers = bearer(resident)
    at = {
        "space_id": room.id, "building_id": hall.id, "district_id": hall.district_id, "reference": made.reference,
        "item_id": item().id, "post_id": wants(neighbour()).id, "kit_id": together.id,
    }  # fmt: skip
    wish = {"start": "2027-03-04T10:00:00+09:00", "minutes": 60}
    told_of_all: dict[str, Any] = {"people": 5, "purpose": "Reading", "rules_accepted": True}
    kit = book_kit(resident, together, march(5, 10, 12), **told_of_all)
    bodies = {
        "post": wish | told_of_all | {"space": room.id},
        "patch": wish | {"start": "2027-03-04T14:00:00+09:00", "version": made.version},
    }

    own_body = {"/api/v1/kit-bookings": wish | told_of_all | {"kit": together.id}}
    own_address = {"/api/v1/kit-bookings/{reference}": {"reference": kit.reference}}
    questions = {"/api/v1/spaces": "date=2027-03-02&from=10:00&to=12:00&latitude=37.5&longitude=127"}
    order = {"get": 0, "post": 1, "patch": 2, "delete": 3}
    every = [(path, method) for path, methods in spec["paths"].items() for method in methods]
    for path, method in sorted(every, key=lambda one: order[one[1]]):
        address, body = path.format(**(at | own_address.get(path, {}))), own_body.get(path) or bodies.get(method)
        answer = browser.open(
            address, method=method, json=body if method in bodies else None, headers=headers,
            query_string=questions.get(path),
        )  # fmt: skip
        (status, told), *_ = spec["paths"][path][method]["responses"].items()
        assert str(answer.status_code) == status, f"{method} {path}: {answer.text}"
        assert set(told.get("headers", {})) - {"Link"} <= set(answer.headers.keys())
        for kind, content in told.get("content", {}).items():
            assert answer.content_type == kind
            jsonschema.validate(answer.get_json(), {**content["schema"], "components": spec["components"]})


def test_a_refusal_is_a_problem_as_described(browser, spec):
    schema = {"$ref": "#/components/schemas/Problem", "components": spec["components"]}
    answers = [
        browser.get("/api/v1/bookings"),
        browser.get("/api/v1/spaces?people=x"),
        browser.get("/api/v1/nothing"),
        browser.post("/api/v1/bookings", data="{", content_type="application/json", headers=bearer(person())),
    ]

    codes = {code for code, *_more in openapi.problems(browser.application)}
    for answer in answers:
        jsonschema.validate(answer.get_json(), schema)
        assert answer.get_json()["type"].removeprefix("/api#") in codes


def test_the_page_shows_every_operation_and_explains_every_refusal(browser, spec):
    text = browser.get("/api").text
    anchors = re.findall(r' id="([^"]+)"', text)

    assert len(anchors) == len(set(anchors))
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            assert f"{method.upper()} {path}" in text
            assert operation["operationId"] in anchors
            for told in operation["responses"].values():
                assert set(told.get("x-problems", ())) <= set(anchors)


def test_the_description_is_sent_again_only_if_it_changed(browser):
    tag = browser.get("/api/openapi.json").headers["ETag"]

    assert browser.get("/api/openapi.json", headers={"If-None-Match": tag}).status_code == 304
