"""Loans, the line and the wanted board as programs use them: by the same rules as the pages, and as private."""

import json

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Person, Role
from marketplace.civic.places.models import Building
from marketplace.kernel import db
from marketplace.kernel.audit import AuditEntry
from marketplace.sharing.items.models.lending import Loan, LoanState, Way
from marketplace.sharing.items.models.listing import Condition, Item
from marketplace.sharing.items.models.wanted import WantedOffer, WantedPost
from marketplace.sharing.items.queries import loans as queries
from marketplace.sharing.items.service import handing, loans
from tests.factories import bearer, group, item, library, loan, neighbour, person, pick_up_place, wants
from tests.sharing.items.test_loans import at, owner_of

ADDRESS = "12 River Road, door 4"
DAYS = {"first": "2027-03-04", "last": "2027-03-06"}


@pytest.fixture
def drill():
    """A drill of Minsu Lee's, who has an address."""
    owner = neighbour("Minsu Lee")
    pick_up_place(owner, address=ADDRESS)
    return item(owner=owner, pick_up_note="Ring twice.", deposit=5000)


@pytest.fixture
def borrower():
    return neighbour("Jiwoo Park")


def the_loan():
    return queries.get_loan(db.session.scalars(sa.select(Loan)).one().reference)


def headers_of(drill, borrower):
    return bearer(borrower), bearer(owner_of(drill))


def asked(browser, drill, headers, **more):
    answer = browser.post("/api/v1/loans", json={"item": drill.id, **DAYS, **more}, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer


def refused(answer, status, code):
    told = answer.get_json()
    assert (answer.status_code, told["type"]) == (status, f"/api#{code}"), answer.text
    assert answer.content_type == "application/problem+json"
    return told


# --- from the request to the return ---


def test_a_loan_is_asked_for_answered_and_read_by_both_sides(browser, drill, borrower, letters):
    mine, theirs = headers_of(drill, borrower)

    made = asked(browser, drill, mine, message="For shelves")
    path, told = made.headers["Location"], made.get_json()
    assert (told["state"], told["side"], told["message"], told["deposit"]) == (
        "requested", "borrowed", "For shelves", 5000,
    )  # fmt: skip
    assert (told["first_day"], told["last_day"]) == ("2027-03-04", "2027-03-06")
    assert told["due_at"] == "2027-03-03T09:00:00+09:00"
    read = browser.get(path, headers=mine)
    assert (read.get_json(), read.headers["ETag"]) == (told, made.headers["ETag"])

    seen = browser.get(path, headers=theirs).get_json()
    assert (seen["side"], seen["borrower"]) == ("lent", "Jiwoo Park")
    accepted = browser.post(f"{path}/accept", headers=theirs)
    assert (accepted.status_code, accepted.get_json()["state"]) == (200, "accepted")
    assert len(letters()) == 2


def test_names_and_addresses_are_told_when_a_loan_is_agreed_and_to_whom_it_is_their_business(
    browser, drill, borrower, monday
):
    mine, theirs = headers_of(drill, borrower)
    made = asked(browser, drill, mine)
    path = made.headers["Location"]
    borrower_id = borrower.id
    heard = [made.text, browser.get(path, headers=mine).text, browser.get("/api/v1/loans", headers=mine).text]
    proposed = browser.post(f"{path}/propose", json={"first": "2027-03-08", "last": "2027-03-09"}, headers=theirs)
    heard += [browser.get(path, headers=mine).text, proposed.text]
    for text in heard:
        assert "Minsu" not in text
        assert ADDRESS not in text
        assert "Ring twice" not in text

    agreed = browser.post(f"{path}/take-proposal", headers=mine)
    told = agreed.get_json()
    assert (told["lender"], told["address"], told["pick_up_note"]) == ("Minsu Lee", ADDRESS, "Ring twice.")
    assert (told["first_day"], told["last_day"]) == ("2027-03-08", "2027-03-09")
    assert ADDRESS not in browser.get("/api/v1/loans", headers=mine).text
    assert browser.get(path, headers=theirs).get_json()["address"] is None

    monday(at(8, 9))
    loans.cancel(db.session.get_one(Person, borrower_id), the_loan(), "I am ill.")
    over = browser.get(path, headers=mine)
    assert (over.get_json()["lender"], over.get_json()["address"]) == ("Minsu Lee", None)
    assert ADDRESS not in over.text


def test_who_reads_a_loan_of_a_library_for_it_is_put_on_record(browser):
    of, reader = library(), neighbour()
    manager = bearer(person(roles=[(Role.MANAGER, db.session.get_one(Building, of.building_id))]))
    looks = sa.select(AuditEntry.subject).where(AuditEntry.action == "items.loan.looked")

    made = asked(browser, item("Hand saw", of=of), bearer(reader))
    told = made.get_json()
    assert (told["lender"], told["item"]["library"]["id"], told["address"]) == (None, of.id, None)
    assert db.session.scalars(looks).all() == []
    assert browser.get(made.headers["Location"], headers=manager).get_json()["side"] == "lent"
    assert len(db.session.scalars(looks).all()) == 1


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("accept", None), ("propose", DAYS), ("decline", {"refusal": "away"}), ("take-proposal", None),
        ("withdraw", None), ("cancel", {"reason": "So."}), ("ask-longer", {"until": "2027-03-08"}),
        ("answer-longer", {"yes": True}),
    ],
)  # fmt: skip
def test_every_verb_is_for_its_side_alone(browser, drill, borrower, verb, body):
    mine, theirs = headers_of(drill, borrower)
    path = asked(browser, drill, mine).headers["Location"]
    sent = {"json": body} if body else {}

    stranger = browser.post(f"{path}/{verb}", headers=bearer(neighbour()), **sent)
    borrowing = browser.post(f"{path}/{verb}", headers=mine, **sent)
    lending = browser.post(f"{path}/{verb}", headers=theirs, **sent)

    owners = verb in ("accept", "propose", "decline", "answer-longer")
    both = verb == "cancel"
    assert stranger.status_code == 404
    assert (borrowing.status_code == 403) == (owners and not both)
    assert (lending.status_code == 403) == (not owners and not both)


def test_declining_takes_a_reason_of_the_list(browser, drill, borrower):
    mine, theirs = headers_of(drill, borrower)
    path = asked(browser, drill, mine).headers["Location"]

    told = refused(browser.post(f"{path}/decline", json={"refusal": "ugly"}, headers=theirs), 422, "unreadable")
    assert list(told["errors"]) == ["refusal"]
    told = refused(browser.post(f"{path}/decline", json={"refusal": "other"}, headers=theirs), 422, "reason_missing")
    assert told["errors"] == {"words": ["Say why; the other side reads it."]}
    no = browser.post(f"{path}/decline", json={"refusal": "away", "words": "We are on Jeju."}, headers=theirs)
    assert (no.get_json()["state"], no.get_json()["refusal"]) == ("declined", "away")
    assert browser.get(path, headers=mine).get_json()["reason"] == "We are on Jeju."
    refused(browser.post(f"{path}/withdraw", headers=mine), 409, "no_longer_open")


def test_keeping_it_longer_is_asked_for_and_answered(browser, drill, borrower, monday):
    mine, theirs = headers_of(drill, borrower)
    path = asked(browser, drill, mine).headers["Location"]
    browser.post(f"{path}/accept", headers=theirs)
    monday(at(4, 9))
    one = the_loan()
    _said, code = handing.offer(owner_of(drill), one, Way.OUT, condition=Condition.GOOD)
    handing.take(db.session.get_one(Person, borrower.id), one, Way.OUT, code)

    told = refused(browser.post(f"{path}/ask-longer", json={"until": "2027-03-05"}, headers=mine), 422, "not_longer")
    assert told["last"] == "2027-03-06"
    asking = browser.post(f"{path}/ask-longer", json={"until": "2027-03-10"}, headers=mine).get_json()
    assert (asking["state"], asking["longer_until"], asking["last_day"]) == ("out", "2027-03-10", "2027-03-06")
    answer = browser.post(f"{path}/answer-longer", json={"yes": True}, headers=theirs).get_json()
    assert (answer["longer_until"], answer["last_day"]) == (None, "2027-03-10")
    refused(browser.post(f"{path}/answer-longer", json={"yes": False}, headers=theirs), 409, "no_longer_open")


def test_for_a_group_its_officers_ask_and_all_of_them_read(browser, drill):
    officer = neighbour("An officer")
    club = group(by=officer)
    made = asked(browser, drill, bearer(officer), group=club.id).get_json()

    assert made["group"] == {"id": club.id, "name": club.name, "name_en": None}
    body = {"item": drill.id, "first": "2027-03-10", "last": "2027-03-10", "group": club.id}
    refused(browser.post("/api/v1/loans", json=body, headers=bearer(neighbour())), 422, "not_your_group")


# --- refusals ---


@pytest.mark.parametrize(
    ("rules", "more", "code", "fact"),
    [
        ({"notice_days": 5}, {}, "too_soon", {"earliest": "2027-03-06"}),
        ({"horizon_days": 1}, {}, "too_far", {"days": 1, "latest": "2027-03-02"}),
        ({"longest_days": 2}, {}, "too_long", {"days": 2}),
        ({"pick_up_days": 0b0100000}, {}, "not_handed_over", {}),
        ({"pick_up_days": 0b0101000}, {"last": "2027-03-05"}, "not_handed_over", {}),
        ({"pick_up_days": 0b0010100}, {}, "not_handed_over_until", {"earliest": "2027-03-10"}),
        ({}, {"quantity": 2}, "too_many", {"most": 1}),
        ({}, {"first": "2027-02-27"}, "in_the_past", {}),
    ],
)
def test_a_refusal_names_the_rule_and_when_it_would_be_kept(browser, borrower, rules, more, code, fact):
    thing = item(**rules)
    answer = browser.post("/api/v1/loans", json={"item": thing.id, **DAYS, **more}, headers=bearer(borrower))

    assert fact.items() <= refused(answer, 422, code).items()
    assert db.count(sa.select(Loan.id)) == 0


def test_who_may_not_borrow_is_told_why(browser, drill):
    body = {"item": drill.id, **DAYS}

    newcomer, owner = bearer(person()), bearer(owner_of(drill))
    refused(browser.post("/api/v1/loans", json=body, headers=newcomer), 403, "not_verified")
    refused(browser.post("/api/v1/loans", json=body, headers=owner), 409, "own_thing")
    refused(browser.post("/api/v1/loans", json=body), 401, "unauthorized")
    unknown = body | {"item": 2**31 - 1}
    refused(browser.post("/api/v1/loans", json=unknown, headers=bearer(neighbour())), 404, "not_found")


def test_whoever_comes_too_late_reads_when_it_is_free(browser, drill, borrower):
    mine, theirs = headers_of(drill, borrower)
    late = bearer(neighbour())
    first = asked(browser, drill, mine).headers["Location"]
    second = asked(browser, drill, late).headers["Location"]
    browser.post(f"{first}/accept", headers=theirs)

    told = refused(browser.post(f"{second}/accept", headers=theirs), 409, "promised_until")
    assert told["earliest"] == "2027-03-07"
    body = {"item": drill.id, "first": "2027-03-06", "last": "2027-03-06"}
    told = refused(browser.post("/api/v1/loans", json=body, headers=late), 409, "promised_until")
    assert told["earliest"] == "2027-03-07"


# --- nothing twice, nothing lost ---


def test_the_same_request_sent_again_is_done_once(browser, drill, borrower):
    headers = bearer(borrower) | {"Idempotency-Key": "one"}
    answers = [asked(browser, drill, headers) for _ in range(3)]

    assert len({answer.data for answer in answers}) == 1
    assert [answer.headers.get("Idempotent-Replay") for answer in answers] == [None, "true", "true"]
    assert db.count(sa.select(Loan.id)) == 1
    refused(browser.post("/api/v1/loans", json={"item": drill.id, **DAYS, "quantity": 2}, headers=headers), 409,
            "other_request")  # fmt: skip


def test_an_answer_to_what_has_changed_since_is_refused(browser, drill, borrower):
    mine, theirs = headers_of(drill, borrower)
    path = asked(browser, drill, mine).headers["Location"]
    tag = browser.get(path, headers=theirs).headers["ETag"]
    match = {**theirs, "If-Match": tag}

    days = {"first": "2027-03-08", "last": "2027-03-09"}
    assert browser.post(f"{path}/propose", json=days, headers=match).status_code == 200
    refused(browser.post(f"{path}/decline", json={"refusal": "away"}, headers=match), 412, "read_again")
    assert db.session.scalars(sa.select(Loan)).one().state is LoanState.PROPOSED
    mine_now = {**mine, "If-Match": browser.get(path, headers=mine).headers["ETag"]}
    assert browser.post(f"{path}/withdraw", headers=mine_now).get_json()["state"] == "withdrawn"


# --- lists ---


def test_ones_own_loans_in_parts(browser, borrower):
    owner = neighbour("Minsu Lee")
    references = [loan(item(f"Saw {day}", owner), day, day, by=borrower).reference for day in (9, 5, 5, 8)]
    mine, theirs = bearer(borrower), bearer(owner)
    soonest = [references[n] for n in (1, 2, 3, 0)]

    def found(headers, **asking):
        return [one["reference"] for one in browser.items("/api/v1/loans", headers, limit=2, **asking)]

    assert found(mine) == found(theirs, side="lent") == soonest
    assert found(mine, side="lent") == found(theirs) == found(mine, when="past") == []
    for reference in references:
        browser.post(f"/api/v1/loans/{reference}/withdraw", headers=mine)
    assert found(mine, when="past") == found(theirs, side="lent", when="past") == [references[n] for n in (0, 3, 2, 1)]


def test_a_longer_list_asks_the_database_no_more(browser, borrower, statements):
    owner, headers, counts = neighbour("Minsu Lee"), bearer(borrower), []
    for _turn in range(2):
        for n in range(3):
            loan(item(f"Saw {n}", owner), 5 + n, 5 + n, by=borrower)
        browser.get("/api/v1/loans", headers=headers)
        with statements() as seen:
            browser.get("/api/v1/loans", headers=headers)
        counts.append(len(seen))

    assert counts[0] == counts[1]


# --- the line ---


def test_a_place_in_line_is_taken_read_and_left(browser, drill, borrower):
    mine, theirs = headers_of(drill, borrower)
    first, path = neighbour(), f"/api/v1/items/{drill.id}/line"
    first_id, drill_id = first.id, drill.id
    told = refused(browser.post(path, json={"days": 2}, headers=mine), 409, "free_now")
    assert told["earliest"] == "2027-03-01"
    drill = db.session.get_one(Item, drill_id)
    loans.accept(owner_of(drill), loan(drill, 1, 6, by=db.session.get_one(Person, first_id)))

    made = browser.post(path, json={"days": 2}, headers=mine)
    assert made.status_code == 201
    assert browser.get(made.headers["Location"], headers=mine).get_json() == made.get_json()
    told = made.get_json()
    assert (told["position"], told["days"], told["expected"], told["offered_until"]) == (1, 2, "2027-03-07", None)
    refused(browser.post(path, json={"days": 2}, headers=mine), 409, "in_line_already")
    refused(browser.post(path, json={"days": 2}, headers=theirs), 409, "own_thing")
    assert browser.get(path, headers=theirs).status_code == 404

    loans.cancel(db.session.get_one(Person, first_id), the_loan(), "I need it no more.")
    kept = browser.get(path, headers=mine).get_json()
    assert (kept["offered_first"], kept["offered_last"]) == ("2027-03-01", "2027-03-02")
    assert kept["offered_until"] == "2027-03-02T09:00:00+09:00"
    second = bearer(neighbour())
    assert browser.post(path, json={"days": 1}, headers=second).status_code == 201
    assert browser.delete(path, headers={**mine, "If-Match": made.headers["ETag"]}).status_code == 412
    assert browser.delete(path, headers=mine).status_code == 204
    assert browser.delete(path, headers=mine).status_code == 404
    assert browser.get(path, headers=second).get_json()["offered_first"] == "2027-03-01"


# --- the wanted board ---


def test_a_thing_is_looked_for_offered_and_found(browser):
    poster, owner = neighbour("Jiwoo Park"), neighbour("Minsu Lee")
    ladder = item("Ladder", owner, category="step-ladders")
    mine, theirs = bearer(poster), bearer(owner)
    wish = {
        "title": "A ladder",
        "category": "step-ladders",
        "first": "2027-03-06",
        "latitude": 37.55,
        "longitude": 127.05,
    }

    made = browser.post("/api/v1/wanted", json=wish, headers=mine)
    path, told = made.headers["Location"], made.get_json()
    assert (made.status_code, told["last_day"], told["quantity"]) == (201, "2027-03-06", 1)
    assert browser.get(path).get_json() == told
    assert "Jiwoo" not in made.text
    assert not {"latitude", "longitude", "point"} & told.keys()

    offered = browser.post(f"{path}/offers", json={"item": ladder.id}, headers=theirs)
    assert (offered.status_code, offered.get_json()["item"]["id"]) == (201, ladder.id)
    refused(browser.post(f"{path}/offers", json={"item": ladder.id}, headers=theirs), 409, "offered_already")
    (seen,) = browser.items(f"{path}/offers", mine)
    assert seen == offered.get_json()
    assert "Minsu" not in json.dumps(seen)
    refused(browser.get(f"{path}/offers", headers=theirs), 403, "forbidden")

    tag = browser.get(path).headers["ETag"]
    refused(browser.post(f"{path}/end", json={"ending": "found"}, headers=theirs), 403, "forbidden")
    refused(browser.post(f"{path}/end", json={"ending": "over"}, headers=mine), 422, "unreadable")
    assert browser.post(f"{path}/end", json={"ending": "found"}, headers={**mine, "If-Match": "x"}).status_code == 412
    assert browser.post(f"{path}/end", json={"ending": "found"}, headers={**mine, "If-Match": tag}).status_code == 204
    assert browser.get(path).status_code == 404
    refused(browser.post(f"{path}/end", json={"ending": "found"}, headers=mine), 409, "wanted_no_more")


def test_what_cannot_be_looked_for_or_offered_is_refused_with_its_sentence(browser):
    poster = neighbour()
    mine = bearer(poster)
    wish = {"title": "A ladder", "category": "step-ladders", "first": "2027-03-06"}
    post = wants(poster)
    own, another = item("Ladder", poster).id, item("Saw").id
    path = f"/api/v1/wanted/{post.id}/offers"

    told = refused(browser.post("/api/v1/wanted", json=wish, headers=mine), 422, "no_place_to_ask_from")
    assert list(told["errors"]) == ["near"]
    refused(browser.post("/api/v1/wanted", json=wish | {"near": "nowhere"}, headers=mine), 422, "no_such_place")
    here = {"latitude": 37.55, "longitude": 127.05}
    refused(browser.post("/api/v1/wanted", json=wish | here, headers=bearer(person())), 403, "not_verified_to_post")
    refused(browser.post(path, json={"item": own}, headers=mine), 409, "own_wish")
    refused(browser.post(path, json={"item": another}, headers=mine), 404, "not_found")
    refused(browser.post("/api/v1/wanted", json=[wish], headers=mine), 422, "unreadable")
    assert db.count(sa.select(WantedPost.id)) == 1


def test_an_offer_is_taken_back(browser):
    poster, owner = neighbour(), neighbour()
    post, ladder = wants(poster), item("Ladder", owner)
    path, theirs = f"/api/v1/wanted/{post.id}/offers", bearer(owner)
    made = browser.post(path, json={"item": ladder.id}, headers=theirs)

    assert browser.delete(f"{path}/{ladder.id}", headers=bearer(poster)).status_code == 404
    assert browser.delete(f"{path}/{ladder.id}", headers={**theirs, "If-Match": "x"}).status_code == 412
    tag = made.headers["ETag"]
    assert browser.delete(f"{path}/{ladder.id}", headers={**theirs, "If-Match": tag}).status_code == 204
    assert browser.delete(f"{path}/{ladder.id}", headers=theirs).status_code == 404
    assert db.count(sa.select(WantedOffer.id)) == 0
