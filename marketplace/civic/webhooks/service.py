"""Registering systems of the city, and telling them what happens (Standard Webhooks, CloudEvents)."""

import base64
import http.client
import json
import secrets
import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from standardwebhooks.webhooks import Webhook

from marketplace.civic.accounts.models import Person
from marketplace.civic.notifications import service as notifications
from marketplace.civic.webhooks import errors, policy, queries
from marketplace.civic.webhooks.models import (
    TRIED,
    DeliveryState,
    OffReason,
    Trouble,
    WebhookDelivery,
    WebhookEndpoint,
)
from marketplace.kernel import audit, clock, db, jobs, outward, things, vault
from marketplace.kernel.access import permit
from marketplace.kernel.events import Event

SECRET_PREFIX = "whsec_"  # noqa: S105 - what secrets begin with, so that leaked ones can be found
OVERLAP = timedelta(hours=24)
MOST_ENDPOINTS = 20
ATTEMPTS = 20
"""With the waits of kernel/jobs, three days of trying."""

FAILING_FOR = timedelta(days=5)
KEPT = timedelta(days=30)
MOST_REPLAYED = 1000
LOOK_EVERY = 10.0
"""Seconds for which a process believes that there is nobody to tell, so that telling nobody costs no statement."""

GONE = 410
_nobody_until = 0.0


# --- endpoints ---


def register(administrator: Person, url: str, description: str, kinds: list[str]) -> tuple[WebhookEndpoint, str]:
    """Tell a system of these kinds of news from now on; gives the endpoint and its secret, which is told only now."""
    permit(policy.may_look_after_webhooks, administrator)
    if len(queries.all_endpoints()) >= MOST_ENDPOINTS:
        raise errors.TooManyEndpoints(most=MOST_ENDPOINTS)
    _check_address(url)
    endpoint = WebhookEndpoint(
        url=url, description=description, kinds=sorted(kinds), secret="", created_by_id=administrator.id
    )
    db.session.add(endpoint)
    db.session.flush()
    secret = _new_secret(endpoint)
    _look_again()
    _record(administrator, endpoint, "registered", url=url, kinds=endpoint.kinds)
    return endpoint, secret


def change(administrator: Person, endpoint: WebhookEndpoint, url: str, description: str, kinds: list[str]) -> None:
    """Tell the system elsewhere, or of other kinds of news."""
    permit(policy.may_look_after_webhooks, administrator)
    _check_address(url)
    endpoint.url, endpoint.description, endpoint.kinds = url, description, sorted(kinds)
    _record(administrator, endpoint, "changed", url=url, kinds=endpoint.kinds)


def rotate(administrator: Person, endpoint: WebhookEndpoint) -> str:
    """Give the endpoint another secret, told only now; the one before it goes on signing for a day."""
    permit(policy.may_look_after_webhooks, administrator)
    endpoint.old_secret, endpoint.old_secret_until = endpoint.secret, clock.now() + OVERLAP
    secret = _new_secret(endpoint)
    _record(administrator, endpoint, "secret_changed")
    return secret


def switch(administrator: Person, endpoint: WebhookEndpoint, on: bool) -> None:
    """Switch an endpoint on or off. News meanwhile counts as failed, and may be sent again later."""
    permit(policy.may_look_after_webhooks, administrator)
    if on:
        endpoint.off_at = endpoint.off_reason = endpoint.failing_since = None
    elif endpoint.is_on:
        _switch_off(endpoint, OffReason.ADMINISTRATOR)
    _record(administrator, endpoint, "switched_on" if on else "switched_off")


def remove(administrator: Person, endpoint: WebhookEndpoint) -> None:
    """Forget an endpoint and everything sent to it."""
    permit(policy.may_look_after_webhooks, administrator)
    _record(administrator, endpoint, "removed", url=endpoint.url)
    db.session.delete(endpoint)
    db.session.flush()


def _switch_off(endpoint: WebhookEndpoint, reason: OffReason) -> None:
    """Send nothing more; what was still on its way failed."""
    endpoint.off_at, endpoint.off_reason = clock.now(), reason
    waiting = sa.update(WebhookDelivery).where(
        WebhookDelivery.endpoint_id == endpoint.id, WebhookDelivery.state == DeliveryState.WAITING
    )
    db.session.execute(waiting.values(state=DeliveryState.FAILED, trouble=Trouble.OFF))


def _check_address(url: str) -> None:
    try:
        outward.find(url)
    except outward.Unwritable as failure:
        raise errors.AddressUnwritable(field="url") from failure
    except outward.Unknown as failure:
        raise errors.HostUnknown(field="url") from failure
    except outward.Inside as failure:
        raise errors.AddressInside(field="url") from failure


def _new_secret(endpoint: WebhookEndpoint) -> str:
    secret = SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
    endpoint.secret = vault.lock(secret, _place(endpoint))
    return secret


def _place(endpoint: WebhookEndpoint) -> str:
    return f"webhook_endpoints:{endpoint.id}"


def _record(administrator: Person | None, endpoint: WebhookEndpoint, what: str, **detail: Any) -> None:
    audit.record(administrator.id if administrator else None, f"webhooks.{what}", f"webhook:{endpoint.id}", **detail)


# --- writing down what happens ---


def note_event(event: Event) -> None:
    """Write down an event for every endpoint that wants its kind, to be sent once the transaction is committed."""
    for endpoint in _endpoints():
        if event.kind in endpoint.kinds:
            _queue(endpoint, event)


def try_out(administrator: Person, endpoint: WebhookEndpoint) -> None:
    """Send news of nothing, to see whether the receiver takes it."""
    permit(policy.may_look_after_webhooks, administrator)
    _expect_on(endpoint)
    _queue(endpoint, Event(TRIED, f"webhook:{endpoint.id}", clock.now(), {}))


def _endpoints() -> list[WebhookEndpoint]:
    """Every endpoint; that there is none is remembered for a moment."""
    global _nobody_until
    if time.monotonic() < _nobody_until:
        return []
    found = queries.all_endpoints()
    if not found:
        _nobody_until = time.monotonic() + LOOK_EVERY
    return found


def _look_again() -> None:
    global _nobody_until
    _nobody_until = 0.0


def _queue(endpoint: WebhookEndpoint, event: Event) -> None:
    delivery = WebhookDelivery(
        endpoint_id=endpoint.id,
        message_id=f"msg_{uuid.uuid4().hex}",
        kind=event.kind,
        subject=event.subject,
        data=event.data,
        created_at=event.at,
        state=DeliveryState.WAITING if endpoint.is_on else DeliveryState.FAILED,
        trouble=None if endpoint.is_on else Trouble.OFF,
    )
    db.session.add(delivery)
    db.session.flush()
    if endpoint.is_on:
        jobs.enqueue("webhooks.deliver", delivery_id=delivery.id, turn=delivery.turn)


# --- sending ---


@dataclass(frozen=True, slots=True)
class Message:
    """What goes over the line."""

    url: str
    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attempt."""

    status: int | None = None
    trouble: Trouble | None = None
    answer: str = ""


def message_of(delivery_id: int, turn: int, source: str) -> Message | None:
    """What to send for a delivery; None if there is nothing to send any more."""
    delivery = queries.delivery_by_id(delivery_id)
    if delivery is None or delivery.turn != turn or delivery.state is not DeliveryState.WAITING:
        return None
    event = {
        "specversion": "1.0",
        "id": delivery.message_id,
        "source": source,
        "type": delivery.type,
        "subject": delivery.subject,
        "time": delivery.created_at.isoformat(),
        "datacontenttype": "application/json",
        "data": delivery.data,
    }
    body = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    now = clock.now()
    signatures = [Webhook(one).sign(delivery.message_id, now, body) for one in _secrets(delivery.endpoint)]
    headers = {
        "Content-Type": "application/cloudevents+json; charset=utf-8",
        "User-Agent": "Maeul-Webhooks/1",
        "webhook-id": delivery.message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
    return Message(delivery.endpoint.url, body.encode(), headers)


def _secrets(endpoint: WebhookEndpoint) -> list[str]:
    locked = [endpoint.secret]
    if endpoint.old_secret and endpoint.old_secret_until and clock.now() < endpoint.old_secret_until:
        locked.append(endpoint.old_secret)
    return [vault.unlock(one, _place(endpoint)) for one in locked]


def send(message: Message) -> Outcome:
    """Try once; where the address leads is looked up and judged anew."""
    try:
        answer = outward.post(message.url, message.body, message.headers)
    except outward.Unwritable:
        return Outcome(trouble=Trouble.ADDRESS)
    except outward.Inside:
        return Outcome(trouble=Trouble.INSIDE)
    except outward.Unknown:
        return Outcome(trouble=Trouble.UNKNOWN)
    except (OSError, http.client.HTTPException):
        return Outcome(trouble=Trouble.SILENT)
    taken = 200 <= answer.status < 300
    words = " ".join("".join(letter if letter.isprintable() else " " for letter in answer.text).split())
    return Outcome(answer.status, None if taken else Trouble.REFUSED, words[:500])


def note_outcome(delivery_id: int, turn: int, outcome: Outcome) -> bool:
    """Write down what became of an attempt; says whether to try again later."""
    delivery = queries.delivery_by_id(delivery_id, lock=True)
    if delivery is None or delivery.turn != turn:
        return False
    endpoint, now = delivery.endpoint, clock.now()
    delivery.attempts += 1
    delivery.tried_at, delivery.status = now, outcome.status
    delivery.trouble, delivery.answer = outcome.trouble, outcome.answer
    if outcome.trouble is None:
        delivery.state, endpoint.failing_since = DeliveryState.DELIVERED, None
        return False
    endpoint.failing_since = endpoint.failing_since or now
    gone, too_long = outcome.status == GONE, now - endpoint.failing_since >= FAILING_FOR
    again = endpoint.is_on and not gone and not too_long and delivery.attempts < ATTEMPTS
    delivery.state = DeliveryState.WAITING if again else DeliveryState.FAILED
    db.session.flush()
    if gone or too_long:
        _give_up(endpoint, OffReason.GONE if gone else OffReason.FAILING)
    return again


def _give_up(endpoint: WebhookEndpoint, reason: OffReason) -> None:
    """Switch an endpoint off and tell those who look after it."""
    if not endpoint.is_on:
        return
    _switch_off(endpoint, reason)
    _record(None, endpoint, "switched_off", reason=reason.value)
    notifications.tell(queries.administrator_ids(), "webhooks.off", things.subject("webhook", endpoint.id))


# --- sending again ---


def replay(administrator: Person, delivery: WebhookDelivery) -> None:
    """Send one piece of news again, under the number that it has, whatever became of it."""
    permit(policy.may_look_after_webhooks, administrator)
    _expect_on(delivery.endpoint)
    _begin_again([delivery.id])
    _record(administrator, delivery.endpoint, "replayed", message=delivery.message_id)


def replay_failed(administrator: Person, endpoint: WebhookEndpoint, since: datetime) -> int:
    """Send again what failed of the news since a moment, the oldest first; says how many there were, at most 1000."""
    permit(policy.may_look_after_webhooks, administrator)
    _expect_on(endpoint)
    failed = queries.failed_since(endpoint.id, since, MOST_REPLAYED)
    _begin_again(failed)
    _record(administrator, endpoint, "replayed", since=since, count=len(failed))
    return len(failed)


def _begin_again(delivery_ids: list[int]) -> None:
    begun = (
        sa.update(WebhookDelivery)
        .where(WebhookDelivery.id.in_(delivery_ids))
        .values(state=DeliveryState.WAITING, turn=WebhookDelivery.turn + 1, attempts=0)
        .returning(WebhookDelivery.id, WebhookDelivery.turn)
    )
    turns = sorted((row.id, row.turn) for row in db.session.execute(begun))
    jobs.enqueue_many("webhooks.deliver", [{"delivery_id": number, "turn": turn} for number, turn in turns])


def _expect_on(endpoint: WebhookEndpoint) -> None:
    if not endpoint.is_on:
        raise errors.EndpointOff


# --- forgetting ---


def sweep() -> None:
    """Forget deliveries of long ago, and secrets that no longer sign."""
    now = clock.now()
    db.session.execute(sa.delete(WebhookDelivery).where(WebhookDelivery.created_at < now - KEPT))
    over = sa.update(WebhookEndpoint).where(WebhookEndpoint.old_secret_until <= now)
    db.session.execute(over.values(old_secret=None, old_secret_until=None))


def forget_registrar(person: Person) -> None:
    """Forget which webhooks someone registered."""
    own = sa.update(WebhookEndpoint).where(WebhookEndpoint.created_by_id == person.id)
    db.session.execute(own.values(created_by_id=None))
