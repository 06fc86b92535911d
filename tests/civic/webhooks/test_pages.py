"""What administrators see and do."""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Role
from marketplace.civic.webhooks import service, tasks
from marketplace.civic.webhooks.models import DeliveryState, OffReason, WebhookDelivery, WebhookEndpoint
from marketplace.kernel import db, events, hooks, jobs
from tests import factories
from tests.civic.webhooks.conftest import CONFIRMED
from tests.conftest import MONDAY

FIELDS = {"url": "https://8.8.8.8/maeul", "description": "Doors of the halls", "kinds": CONFIRMED}


@pytest.fixture
def desk(browser, admin):
    return factories.sign_in(browser, admin)


def made() -> WebhookEndpoint:
    return db.session.scalars(sa.select(WebhookEndpoint).execution_options(populate_existing=True)).one()


def test_the_secret_is_shown_once_and_kept_by_no_cache(desk):
    answer = desk.send("/staff/webhooks/new", **FIELDS)
    assert answer.status_code == 303, answer.text
    page = desk.get(answer.location)
    assert re.search(r"whsec_[\w+/=]{44}", page.text)
    assert page.headers["Cache-Control"] == "no-store"
    assert "whsec_" not in desk.get(answer.location).text


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"url": "https://192.168.0.1/"}, "private network"),
        ({"url": "http://example.org/"}, "begins with https://"),
        ({"url": ""}, "Enter an address."),
        ({"description": ""}, "Say which system it is."),
        ({"kinds": ""}, "Choose at least one kind of news."),
        ({"kinds": "booking.invented"}, "Choose one of the answers offered."),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_typed_is_lost(desk, changes, sentence):
    answer = desk.send("/staff/webhooks/new", **FIELDS | changes)
    assert answer.status_code == 422
    assert sentence in answer.text
    if "description" not in changes:
        assert "Doors of the halls" in answer.text
    assert db.session.scalar(sa.select(sa.func.count()).select_from(WebhookEndpoint)) == 0


def test_no_more_than_can_be_looked_after(desk, monkeypatch):
    monkeypatch.setattr(service, "MOST_ENDPOINTS", 1)
    assert desk.send("/staff/webhooks/new", **FIELDS).status_code == 303
    answer = desk.send("/staff/webhooks/new", **FIELDS | {"description": "Another"})
    assert answer.status_code == 409
    assert "Remove one first" in answer.text


def test_everyone_but_administrators_finds_nothing(browser, endpoint):
    staff = factories.person(roles=[(Role.STAFF, factories.department())])
    for person in (factories.person(), staff, factories.person(roles=[Role.MODERATOR])):
        factories.sign_in(browser, person)
        for path in ("", "new", f"{endpoint.id}", f"{endpoint.id}/replay"):
            assert browser.get(f"/staff/webhooks/{path}").status_code == 404
        assert browser.send(f"/staff/webhooks/{endpoint.id}/remove").status_code == 404
    assert made()


def test_what_was_sent_stands_on_the_page_and_can_be_sent_again(desk, endpoint, receiver):
    receiver.status, receiver.body = 500, b"<script>alert(1)</script>"
    events.emit(CONFIRMED, "booking:17")
    db.session.commit()
    jobs.run_pending()
    page = desk.get(f"/staff/webhooks/{endpoint.id}").text
    assert "Answer 500: &lt;script&gt;" in page
    assert "booking:17" in page
    assert "It did not take it." in page
    assert "booking:17" not in desk.get(f"/staff/webhooks/{endpoint.id}?state=delivered").text

    receiver.status = 204
    delivery = db.session.scalars(sa.select(WebhookDelivery)).one()
    assert desk.send(f"/staff/webhooks/{endpoint.id}/deliveries/{delivery.id}/replay").status_code == 303
    jobs.run_pending()
    assert "booking:17" in desk.get(f"/staff/webhooks/{endpoint.id}?state=delivered").text


def test_a_delivery_of_another_webhook_is_not_here(desk, endpoint):
    events.emit(CONFIRMED, "booking:17")
    db.session.commit()
    delivery = db.session.scalars(sa.select(WebhookDelivery)).one()
    assert desk.send(f"/staff/webhooks/{endpoint.id + 1}/deliveries/{delivery.id}/replay").status_code == 404


def test_what_failed_since_a_moment_is_sent_again_from_a_form(desk, endpoint, admin, receiver):
    service.switch(admin, endpoint, on=False)
    events.emit(CONFIRMED, "booking:17")
    desk.send(f"/staff/webhooks/{endpoint.id}/on")
    answer = desk.send(f"/staff/webhooks/{endpoint.id}/replay", day="2027-03-01", time="09:01")
    assert "0 messages are sent again." in desk.get(answer.location).text
    answer = desk.send(f"/staff/webhooks/{endpoint.id}/replay", day="2027-03-01", time="09:00", _key="another")
    assert "1 message is sent again." in desk.get(answer.location).text
    assert desk.send(f"/staff/webhooks/{endpoint.id}/replay", day="soon").status_code == 422


def test_a_trial_shows_whether_the_receiver_understands(desk, endpoint, receiver):
    desk.send(f"/staff/webhooks/{endpoint.id}/try")
    jobs.run_pending()
    assert b"city.maeul.webhook.tried" in receiver.received[0][1]
    assert "A trial" in desk.get(f"/staff/webhooks/{endpoint.id}").text


def test_change_rotate_switch_and_remove(desk, endpoint, anywhere):
    path = f"/staff/webhooks/{endpoint.id}"
    assert desk.send(f"{path}/change", **FIELDS | {"kinds": ["booking.moved"]}).status_code == 303
    assert (made().url, made().kinds) == ("https://8.8.8.8/maeul", ["booking.moved"])
    shown = desk.get(desk.send(f"{path}/secret").location).text
    assert endpoint.told not in shown
    assert "whsec_" in shown
    assert "signs beside the new one until" in shown
    desk.send(f"{path}/off")
    assert "an administrator switched it off" in desk.get(path).text
    desk.send(f"{path}/on")
    assert made().is_on
    assert "cannot be undone" in desk.get(f"{path}/remove").text
    desk.send(f"{path}/remove")
    assert db.session.scalar(sa.select(sa.func.count()).select_from(WebhookEndpoint)) == 0


def test_removing_takes_what_was_sent_with_it(desk, endpoint, receiver):
    events.emit(CONFIRMED, "booking:17")
    desk.send(f"/staff/webhooks/{endpoint.id}/remove")
    jobs.run_pending()
    assert receiver.received == []
    assert db.session.scalar(sa.select(sa.func.count()).select_from(WebhookDelivery)) == 0


def test_a_new_secret_needs_a_fresh_proof_of_who_one_is(desk, endpoint, monday):
    monday(MONDAY + timedelta(minutes=16))
    assert "/account/prove" in desk.send(f"/staff/webhooks/{endpoint.id}/secret").location
    assert made().old_secret is None


def test_the_page_takes_as_many_statements_for_twenty_messages_as_for_one(desk, endpoint, statements):
    def count() -> int:
        desk.get(f"/staff/webhooks/{endpoint.id}")
        with statements() as seen:
            assert desk.get(f"/staff/webhooks/{endpoint.id}").status_code == 200
        return len(seen)

    events.emit(CONFIRMED, "booking:1")
    few = count()
    for number in range(19):
        events.emit(CONFIRMED, f"booking:{number}")
    assert count() == few


def test_both_languages(desk, endpoint):
    for path in ("", "new", f"{endpoint.id}", f"{endpoint.id}/replay", f"{endpoint.id}/remove"):
        for language in ("en", "ko"):
            assert desk.get(f"/staff/webhooks/{path}?language={language}").status_code == 200


def test_one_that_went_off_by_itself_waits_at_the_desk_of_administrators(app, endpoint, admin):
    with app.test_request_context():
        assert not [queue for queue in hooks.waits_at_desk.ask(admin) if "ebhook" in str(queue.title)]
        service._give_up(endpoint, OffReason.GONE)
        db.session.flush()
        [queue] = [queue for queue in hooks.waits_at_desk.ask(admin) if "ebhook" in str(queue.title)]
        assert (queue.count, queue.waiting[0].title) == (1, "Doors of the halls")
        moderator = factories.person(roles=[Role.MODERATOR])
        assert not [queue for queue in hooks.waits_at_desk.ask(moderator) if "ebhook" in str(queue.title)]


def test_who_registered_it_is_told_on_request_and_forgotten_with_the_person(endpoint, admin):
    found = [
        one for answer in hooks.personal_data.ask(admin) for one in (answer if isinstance(answer, list) else [answer])
    ]
    [own] = [one for one in found if one.name == "webhooks"]
    assert [row["url"] for row in own.rows] == [endpoint.url]
    tasks.forget(admin)
    assert made().created_by_id is None


def test_the_states_and_reasons_are_guarded_by_the_database(endpoint):
    with pytest.raises(sa.exc.IntegrityError):
        db.session.execute(sa.update(WebhookEndpoint).values(off_at=MONDAY))
    db.session.rollback()


def test_a_delivery_is_written_once_for_each_endpoint(endpoint):
    events.emit(CONFIRMED, "booking:17")
    db.session.commit()
    first = db.session.scalars(sa.select(WebhookDelivery)).one()
    db.session.add(
        WebhookDelivery(
            endpoint_id=first.endpoint_id, message_id=first.message_id, kind=first.kind, subject=first.subject, data={},
            created_at=MONDAY, state=DeliveryState.WAITING,
        )
    )  # fmt: skip
    with pytest.raises(sa.exc.IntegrityError):
        db.session.flush()
    db.session.rollback()
