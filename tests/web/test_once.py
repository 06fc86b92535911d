"""Nothing twice: keys of forms and of programs."""

import multiprocessing
from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.kernel import clock, db, jobs
from marketplace.web import once
from marketplace.web.once import IdempotencyKey
from tests import factories
from tests.conftest import MONDAY, Browser
from tests.web.stage import Wish, traces

PROCESSES = 20


@pytest.fixture
def program(staged):
    """A program that sends wishes."""
    client = Browser(staged, staged.response_class)

    def send(name, key=None, **more):
        return client.post("/api/try", json={"name": name}, headers={"Idempotency-Key": key} if key else {}, **more)

    return send


def kept() -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(IdempotencyKey)) or 0


def test_a_form_sent_again_gets_the_first_answer_and_is_done_once(visitor):
    first, again = (visitor.send("/try/form", name="tea", _key="k1") for _ in range(2))

    assert (first.status_code, again.status_code) == (303, 303)
    assert first.location == again.location == "/try/done/tea"
    assert first.data == again.data
    assert "Idempotent-Replay" not in first.headers
    assert again.headers["Idempotent-Replay"] == "true"
    assert traces() == ["before", "tea"]


def test_a_program_gets_status_body_and_kind_of_the_first_answer(program):
    first, again = program("tea", "k1"), program("tea", "k1")

    assert (again.status_code, again.json, again.content_type) == (201, first.json, first.content_type)
    assert again.headers["Idempotent-Replay"] == "true"
    assert traces() == ["tea"]


def test_a_program_may_not_use_a_key_for_something_else(program):
    program("tea", "k1")
    other = program("milk", "k1")

    assert (other.status_code, other.json["type"]) == (409, "/api#other_request")
    assert traces() == ["tea"]


def test_a_form_changed_after_going_back_is_another_request(visitor):
    visitor.send("/try/form", name="tea", _key="k1")
    for name in ("before", "tea"):  # these wishes can be made once only, whatever the key
        db.session.execute(sa.text("DELETE FROM rate_counters WHERE key = :key"), {"key": f"trace:{name}"})
    changed = visitor.send("/try/form", name="milk", _key="k1")

    assert (changed.status_code, changed.location) == (303, "/try/done/milk")
    assert traces() == ["before", "milk"]


def test_without_a_key_everything_is_done_each_time(program):
    assert program("tea").status_code == 201
    assert program("tea").status_code == 500  # the wish can be made once only
    assert kept() == 0


@pytest.mark.parametrize("name", ["rule", "hidden", "bug"])
def test_what_was_refused_may_be_tried_again_with_the_same_key(program, name):
    answers = [program(name, "k1") for _ in range(2)]

    assert answers[0].status_code == answers[1].status_code >= 400
    assert "Idempotent-Replay" not in answers[1].headers
    assert kept() == 0
    assert program("tea", "k1").status_code == 201


def test_a_form_that_was_refused_may_be_sent_again_with_its_key(visitor):
    assert visitor.send("/try/form", name="rule", _key="k1").status_code == 409
    assert visitor.send("/try/form", name="tea", _key="k1").status_code == 303


def test_another_persons_key_is_another_key(staged):
    for number, name in enumerate(["tea", "milk"]):
        browser = factories.sign_in(Browser(staged, staged.response_class), factories.person())
        answer = browser.send("/try/residents", _key="k1", name=name)
        assert (answer.text, "Idempotent-Replay" in answer.headers) == (f"_key=k1,name={name}", False)
        assert kept() == number + 1


def test_the_same_key_at_another_address_is_another_key(visitor):
    visitor.send("/try/form", name="tea", _key="k1")

    assert visitor.send("/try/answer/200", name="tea", _key="k1").text == "said"


def test_a_key_may_not_be_longer_than_a_key_is(program, visitor):
    assert program("tea", "k" * 200).status_code == 201
    assert program("milk", "k" * 201).status_code == 422
    assert visitor.send("/try/form", name="juice", _key="k" * 201).status_code == 422
    assert traces() == ["tea"]


def test_reading_needs_no_key(visitor):
    assert visitor.get("/try/form", query_string={"_key": "k1"}, headers={"Idempotency-Key": "k1"}).status_code == 200
    assert kept() == 0


def test_keys_are_forgotten_after_two_days_by_a_timed_job(program, monday):
    program("tea", "k1")
    monday(MONDAY + timedelta(days=1, hours=23))
    program("milk", "k2")
    monday(MONDAY + timedelta(days=2, minutes=1))
    with db.session.begin_nested():
        jobs.queue_timed({})
    jobs.run_pending()

    assert "once.sweep" in jobs.names()
    assert kept() == 1
    assert once.sweep() == 0


def _send(url, staged, barrier, answers):
    engine = db.connect(url)
    barrier.wait(60)
    with clock.frozen(MONDAY):
        answer = staged.test_client().post("/api/try", json={"name": "tea"}, headers={"Idempotency-Key": "k1"})
    answers.put((answer.status_code, answer.data, answer.headers.get("Idempotent-Replay")))
    engine.dispose()


def test_of_many_processes_with_one_key_one_does_it_and_all_get_its_answer(live_database, staged):
    db.session.remove()
    db.session.get_bind().dispose()  # type: ignore[union-attr]
    fork = multiprocessing.get_context("fork")
    barrier, answers = fork.Barrier(PROCESSES), fork.SimpleQueue()
    senders = [fork.Process(target=_send, args=(live_database, staged, barrier, answers)) for _ in range(PROCESSES)]
    for sender in senders:
        sender.start()
    found = [answers.get() for _ in senders]
    for sender in senders:
        sender.join(60)

    assert {(status, body) for status, body, _ in found} == {(201, found[0][1])}
    assert sorted(str(replay) for _, _, replay in found) == ["None", *["true"] * (PROCESSES - 1)]
    assert (traces(), kept()) == (["tea"], 1)


def test_the_wishes_of_this_file_need_a_name_only():
    assert [name for name, field in Wish().fields.items() if field.required] == ["name"]
