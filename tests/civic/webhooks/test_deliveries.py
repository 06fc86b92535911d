"""What arrives, how often, and what becomes of it."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from marketplace.civic.accounts import queries as people
from marketplace.civic.accounts.models import Person, Role
from marketplace.civic.webhooks import errors, queries, service
from marketplace.civic.webhooks.models import DeliveryState, OffReason, Trouble, WebhookDelivery, WebhookEndpoint
from marketplace.kernel import audit, clock, db, events, jobs
from marketplace.kernel.intervals import Interval
from marketplace.kernel.jobs import Job
from marketplace.sharing.spaces.service import bookings
from tests import factories
from tests.civic.webhooks.conftest import CONFIRMED
from tests.conftest import MONDAY
from tests.factories import march


def look_after(admin: Person) -> Person:
    """The administrator with all roles, after jobs have been done."""
    return people.person(admin.id)


def real_now() -> datetime:
    """The library of the receiver asks the machine's own clock."""
    return datetime.fromtimestamp(time.time_ns() / 1e9, UTC)


def emit(kind: str = CONFIRMED, subject: str = "booking:17", **data: object) -> None:
    events.emit(kind, subject, **data)
    db.session.commit()


def work(times: int = 1) -> None:
    """Do what is due, then, as often as told, what was put off."""
    for _ in range(times):
        db.session.execute(sa.update(Job).where(Job.dead_at.is_(None)).values(run_at=clock.now() - timedelta(days=1)))
        jobs.run_pending()


def the_delivery() -> WebhookDelivery:
    return db.session.scalars(sa.select(WebhookDelivery).execution_options(populate_existing=True)).one()


def the_endpoint() -> WebhookEndpoint:
    return db.session.scalars(sa.select(WebhookEndpoint).execution_options(populate_existing=True)).one()


# --- what arrives ---


def test_a_booking_arrives_signed_and_as_a_cloud_event_without_anything_personal(endpoint, receiver, monday):
    monday(now := real_now())
    room = factories.space()
    resident = factories.person("Canary Kim", "canary@example.org")
    start = (now + timedelta(days=2)).astimezone(clock.zone()).replace(hour=10, minute=0, second=0, microsecond=0)
    made = factories.booking(room, Interval(start, start + timedelta(hours=1)), by=resident, purpose="Canary club")
    db.session.commit()
    jobs.run_pending()

    [(headers, body)] = receiver.received
    event = Webhook(endpoint.told).verify(body, headers)
    assert event == {
        "specversion": "1.0",
        "id": headers["webhook-id"],
        "source": "http://localhost",
        "type": "city.maeul.booking.confirmed",
        "subject": f"booking:{made.id}",
        "time": now.isoformat(),
        "datacontenttype": "application/json",
        "data": {
            "state": "confirmed",
            "starts_at": start.isoformat(),
            "ends_at": (start + timedelta(hours=1)).isoformat(),
            "space_id": room.id,
            "building_id": room.building_id,
        },
    }
    assert headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert b"anary" not in body
    assert the_delivery().state is DeliveryState.DELIVERED


def test_every_turn_of_a_booking_is_told(anywhere, admin, receiver, monday):
    kinds = [kind.name for kind in events.kinds()]
    service.register(admin, receiver.url, "Doors", kinds)
    room, asked = factories.space(), factories.space("Hall", by_request=True)
    manager = factories.person(roles=[(Role.MANAGER, asked.building)])
    jiwoo = factories.person()
    moved = factories.booking(room, march(3, 10, 11), by=jiwoo)
    bookings.cancel(jiwoo, bookings.move(jiwoo, moved, march(3, 12, 13), version=moved.version))
    bookings.accept(manager, factories.booking(asked, march(3, 10, 11), by=jiwoo))
    bookings.decline(manager, factories.booking(asked, march(3, 12, 13), by=jiwoo), "The floor is wet.")
    factories.booking(asked, march(3, 14, 15), by=jiwoo)
    monday(MONDAY + timedelta(days=3))
    bookings.lapse()
    db.session.commit()
    jobs.run_pending()

    told = [json.loads(body)["type"].removeprefix("city.maeul.booking.") for _, body in receiver.received]
    assert sorted(told) == sorted(
        ["confirmed", "moved", "cancelled", "requested", "confirmed", "requested", "declined", "requested", "lapsed"]
    )


def test_only_what_was_chosen_is_sent(endpoint, receiver):
    emit("booking.cancelled")
    jobs.run_pending()
    assert receiver.received == []


def test_what_is_rolled_back_is_never_told(endpoint, receiver):
    events.emit(CONFIRMED, "booking:17")
    db.session.rollback()
    jobs.run_pending()
    assert receiver.received == []


def test_a_kind_that_nobody_registered_is_a_mistake_of_the_program():
    with pytest.raises(LookupError):
        events.emit("booking.invented", "booking:17")


def test_telling_nobody_asks_the_database_nothing(statements):
    room, jiwoo = factories.space(), factories.person()
    factories.booking(room, march(3, 10, 11), by=jiwoo)
    with statements() as seen:
        factories.booking(room, march(4, 10, 11), by=jiwoo)
    assert [one for one in seen if "webhook" in one] == []


def test_that_nobody_listens_is_believed_for_a_moment_only(monkeypatch, statements):
    def looks() -> int:
        with statements() as seen:
            events.emit(CONFIRMED, "booking:17")
        return len(seen)

    assert (looks(), looks()) == (1, 0)
    later = time.monotonic() + service.LOOK_EVERY
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert looks() == 1


# --- signatures ---


def test_old_and_new_secret_both_sign_for_a_day(endpoint, admin, receiver, monday):
    monday(real_now())
    new = service.rotate(admin, endpoint)
    emit()
    jobs.run_pending()
    for secret in (endpoint.told, new):
        assert Webhook(secret).verify(receiver.received[0][1], receiver.received[0][0])

    monday(real_now() + timedelta(hours=24))
    emit()
    newest = db.session.scalars(sa.select(WebhookDelivery).order_by(WebhookDelivery.id.desc())).first()
    assert newest is not None
    message = service.message_of(newest.id, newest.turn, "http://localhost")
    assert message is not None
    assert len(message.headers["webhook-signature"].split()) == 1
    service.sweep()
    assert the_endpoint().old_secret is None


@pytest.mark.parametrize("part", ["webhook-id", "webhook-timestamp", "webhook-signature", "body"])
def test_whatever_is_changed_on_the_way_is_noticed(endpoint, receiver, monday, part):
    monday(real_now())
    emit()
    jobs.run_pending()
    [(headers, body)] = receiver.received
    changed = {**headers}
    if part == "body":
        body = body.replace(b"booking:17", b"booking:18")
    elif part == "webhook-timestamp":
        changed[part] = str(int(headers[part]) + 1)
    else:
        changed[part] = headers[part].replace(headers[part][-4], "~")
    with pytest.raises((WebhookVerificationError, ValueError)):
        Webhook(endpoint.told).verify(body, changed)


def test_a_message_sent_again_by_a_stranger_later_is_too_old(endpoint, receiver, monday):
    monday(real_now() - timedelta(minutes=6))
    emit()
    jobs.run_pending()
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(endpoint.told).verify(receiver.received[0][1], receiver.received[0][0])


def test_the_database_does_not_give_the_secret_away(endpoint):
    stored = db.session.scalars(sa.select(WebhookEndpoint.secret)).one()
    assert endpoint.told.startswith("whsec_")
    assert endpoint.told.removeprefix("whsec_") not in stored


# --- again and again ---


def test_what_was_not_taken_is_tried_again_later_under_the_same_id(endpoint, receiver):
    receiver.status, receiver.body = 500, b"out of order"
    emit()
    jobs.run_pending()
    failed = the_delivery()
    assert (failed.state, failed.attempts, failed.status) == (DeliveryState.WAITING, 1, 500)
    assert (failed.trouble, failed.answer) == (Trouble.REFUSED, "out of order")
    assert the_endpoint().failing_since == MONDAY

    receiver.status = 200
    jobs.run_pending()
    assert len(receiver.received) == 1, "not before its time"
    work()
    assert (the_delivery().state, the_delivery().attempts) == (DeliveryState.DELIVERED, 2)
    assert len(set(receiver.ids())) == 1
    assert receiver.received[0][1] == receiver.received[1][1]
    assert the_endpoint().failing_since is None


def test_after_the_last_attempt_it_failed_and_no_job_is_left(endpoint, receiver, monkeypatch):
    monkeypatch.setattr(service, "ATTEMPTS", 3)
    receiver.status = 503
    emit()
    work(5)
    assert (the_delivery().state, the_delivery().attempts) == (DeliveryState.FAILED, 3)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Job)) == 0


def test_gone_for_good_switches_off_and_tells_administrators(endpoint, admin, receiver, letters):
    other = factories.person("Second Admin", roles=[Role.ADMINISTRATOR])
    receiver.status = 410
    emit()
    emit(subject="booking:18")
    written = letters()
    assert the_endpoint().off_reason is OffReason.GONE
    assert len(receiver.received) == 1
    states = list(db.session.scalars(sa.select(WebhookDelivery.state)))
    assert states == [DeliveryState.FAILED] * 2
    assert [to for one in (admin, other) for to in written if f"To: {one.email}" in to]
    assert len(written) == 2
    assert "Doors of the halls" in written[0]
    assert "webhooks.switched_off" in list(db.session.scalars(sa.select(audit.AuditEntry.action)))


def test_five_days_without_success_switch_off(endpoint, receiver, monday):
    receiver.status = 500
    emit()
    jobs.run_pending()
    monday(MONDAY + service.FAILING_FOR - timedelta(seconds=1))
    work()
    assert the_endpoint().is_on
    monday(MONDAY + service.FAILING_FOR)
    work()
    assert the_endpoint().off_reason is OffReason.FAILING
    assert the_delivery().state is DeliveryState.FAILED


def test_what_happens_while_it_is_off_waits_for_being_sent_again(endpoint, admin, receiver):
    service.switch(look_after(admin), endpoint, on=False)
    emit()
    jobs.run_pending()
    assert (receiver.received, the_delivery().trouble) == ([], Trouble.OFF)
    with pytest.raises(errors.EndpointOff):
        service.replay_failed(look_after(admin), endpoint, MONDAY)

    service.switch(look_after(admin), endpoint, on=True)
    assert service.replay_failed(look_after(admin), endpoint, MONDAY) == 1
    jobs.run_pending()
    assert the_delivery().state is DeliveryState.DELIVERED


def test_only_what_failed_since_then_is_sent_again(endpoint, admin, receiver, monday):
    service.switch(look_after(admin), endpoint, on=False)
    for hour in range(3):
        monday(MONDAY + timedelta(hours=hour))
        emit(subject=f"booking:{hour}")
    service.switch(look_after(admin), endpoint, on=True)
    emit(subject="booking:9")
    jobs.run_pending()
    receiver.received.clear()

    assert service.replay_failed(look_after(admin), endpoint, MONDAY + timedelta(hours=1)) == 2
    jobs.run_pending()
    assert [json.loads(body)["subject"] for _, body in receiver.received] == ["booking:1", "booking:2"]


def test_a_replay_has_the_same_id_and_puts_earlier_attempts_out_of_use(endpoint, admin, receiver):
    receiver.status = 500
    emit()
    jobs.run_pending()
    service.replay(look_after(admin), queries.delivery(endpoint.id, the_delivery().id))
    db.session.commit()
    receiver.status = 204
    work(2)
    assert len(receiver.received) == 2, "the job of the first turn does nothing any more"
    assert len(set(receiver.ids())) == 1
    assert the_delivery().state is DeliveryState.DELIVERED


def test_a_message_delivered_may_be_sent_again_too(endpoint, admin, receiver):
    emit()
    jobs.run_pending()
    service.replay(look_after(admin), queries.delivery(endpoint.id, the_delivery().id))
    jobs.run_pending()
    assert len(receiver.received) == 2
    assert len(set(receiver.ids())) == 1


class Killed(BaseException):
    """The worker is gone in an instant: nothing it was about to do is done."""


def test_a_worker_that_dies_after_the_line_sends_the_same_message_again(endpoint, receiver, monkeypatch, monday):
    emit()
    with monkeypatch.context() as patch:
        patch.setattr(service, "note_outcome", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            jobs.run_pending()
    db.session.rollback()
    assert the_delivery().state is DeliveryState.WAITING

    monday(MONDAY + timedelta(minutes=3))  # the lease has run out
    jobs.run_pending()
    assert (the_delivery().state, the_delivery().attempts) == (DeliveryState.DELIVERED, 1)
    assert len(receiver.received) == 2
    assert len(set(receiver.ids())) == 1
    assert receiver.received[0][1] == receiver.received[1][1]


def test_a_worker_that_dies_after_writing_it_down_sends_nothing_again(endpoint, receiver, monkeypatch, monday):
    emit()
    with monkeypatch.context() as patch:
        patch.setattr(jobs, "_finish", lambda _job: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            jobs.run_pending()
    db.session.rollback()

    monday(MONDAY + timedelta(minutes=3))
    jobs.run_pending()
    assert len(receiver.received) == 1
    assert the_delivery().state is DeliveryState.DELIVERED


def test_a_receiver_that_is_down_is_written_down_as_silent(anywhere, admin):
    service.register(admin, "http://127.0.0.1:9/", "Doors", [CONFIRMED])
    emit()
    jobs.run_pending()
    assert (the_delivery().trouble, the_delivery().status) == (Trouble.SILENT, None)


def test_what_is_long_over_is_forgotten(endpoint, receiver, monday):
    emit()
    jobs.run_pending()
    monday(MONDAY + service.KEPT + timedelta(seconds=1))
    service.sweep()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(WebhookDelivery)) == 0
