"""The description of the API is right: it is valid, complete, and what is answered is what it says."""

import re
from datetime import date
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import validate

from marketplace.kernel import geo
from marketplace.portal.kits.service.booking import book as book_kit
from marketplace.sharing.items.models.lending import Way
from marketplace.sharing.items.models.listing import Condition
from marketplace.sharing.items.queries import listings
from marketplace.sharing.items.service import handing, line, loans, longer, wanted
from marketplace.web import openapi
from tests.factories import (
    bearer,
    booking,
    building,
    district,
    item,
    loan,
    march,
    neighbour,
    party,
    person,
    space,
    wants,
)


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
            says_something = method in ("post", "patch") and operation["operationId"] not in WORDLESS
            assert ("requestBody" in operation) == says_something, where
            changes = method not in ("get", "post") or (method == "post" and "201" not in operation["responses"])
            assert ("412" in operation["responses"]) == changes, where


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
        "item_id": item().id, "post_id": wants(resident).id, "kit_id": together.id,
    }  # fmt: skip
    wish = {"start": "2027-03-04T10:00:00+09:00", "minutes": 60}
    details: dict[str, Any] = {"people": 5, "purpose": "Reading", "rules_accepted": True}
    bodies: dict[str, dict[str, Any]] = {
        "book": wish | details | {"space": room.id},
        "book_kit": wish | details | {"kit": together.id},
        "move_booking": wish | {"start": "2027-03-04T14:00:00+09:00", "version": made.version},
        **SENT,
    }
    named, lent = lending(resident)
    named["get_kit_booking"] = {"reference": book_kit(resident, together, march(5, 10, 12), **details).reference}
    for sent_to, more in lent.items():
        bodies[sent_to] = bodies.get(sent_to, {}) | more

    questions = {"/api/v1/spaces": "date=2027-03-02&from=10:00&to=12:00&latitude=37.5&longitude=127"}
    order = {"get": 0, "post": 1, "patch": 2, "delete": 3}
    every = [(path, method) for path, methods in spec["paths"].items() for method in methods]
    for path, method in sorted(every, key=lambda one: order[one[1]]):
        operation = spec["paths"][path][method]["operationId"]
        answer = browser.open(
            path.format(**at | named.get(operation, {})), method=method, json=bodies.get(operation), headers=headers,
            query_string=questions.get(path),
        )  # fmt: skip
        (status, told), *_ = spec["paths"][path][method]["responses"].items()
        assert str(answer.status_code) == status, f"{method} {path}: {answer.text}"
        assert set(told.get("headers", {})) - {"Link"} <= set(answer.headers.keys())
        for kind, content in told.get("content", {}).items():
            assert answer.content_type == kind
            jsonschema.validate(answer.get_json(), {**content["schema"], "components": spec["components"]})


WORDLESS = {"accept", "take_proposal", "withdraw"}
"""What is done without a word."""

SENT: dict[str, dict[str, Any]] = {  # what each operation about loans is sent
    "ask": {"first": "2027-03-10", "last": "2027-03-11"},
    "propose": {"first": "2027-03-10", "last": "2027-03-11"},
    "decline": {"refusal": "away"},
    "cancel": {"reason": "It broke."},
    "ask_longer": {"until": "2027-03-05"},
    "answer_longer": {"yes": True},
    "join_line": {"days": 2},
    "post_wanted": {
        "title": "A saw", "category": "drills", "first": "2027-03-06", "latitude": 37.55, "longitude": 127.05
    },
    "end_wanted": {"ending": "found"},
}  # fmt: skip


def lending(resident) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """Loans in every state between a resident and a friend: what each operation is about, and what more it sends."""
    friend = neighbour("A friend")
    mine, theirs = [item(f"Mine {n}", resident) for n in range(9)], [item(f"Theirs {n}", friend) for n in range(9)]
    lent = [loan(mine[n], 1, 2) for n in range(6)]
    borrowed = [loan(theirs[n], 1, 2, by=resident) for n in range(5)]
    for owner, of in ((resident, (lent[0], lent[1])), (friend, (borrowed[0], borrowed[1]))):
        for one in of:
            loans.accept(owner, one)
        _said, code = handing.offer(owner, of[0], Way.OUT, condition=Condition.GOOD)
        handing.take(of[0].borrower, of[0], Way.OUT, code)
    longer.ask_longer(lent[0].borrower, lent[0], date(2027, 3, 4))
    loans.propose(friend, borrowed[2], date(2027, 3, 10), date(2027, 3, 11))
    for thing in theirs[5:7]:
        loans.accept(friend, loan(thing, 1, 2))
    line.join(resident, listings.get_item(theirs[5].id), 2)
    post = wants(friend)
    wanted.offer(resident, post, listings.get_item(mine[6].id))
    about = {
        "get_loan": borrowed[1], "accept": lent[2], "propose": lent[3], "decline": lent[4], "cancel": lent[1],
        "answer_longer": lent[0], "ask_longer": borrowed[0], "take_proposal": borrowed[2], "withdraw": borrowed[3],
    }  # fmt: skip
    named: dict[str, dict[str, Any]] = {operation: {"reference": one.reference} for operation, one in about.items()}
    named |= {operation: {"item_id": theirs[5].id} for operation in ("get_place_in_line", "leave_line")}
    named |= {"join_line": {"item_id": theirs[6].id}, "offer": {"post_id": post.id}}
    named |= {"take_back_offer": {"post_id": post.id, "item_id": mine[6].id}}
    return named, {"ask": {"item": theirs[8].id}, "offer": {"item": mine[7].id}}


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
