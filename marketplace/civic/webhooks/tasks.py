"""Sending news to other systems, telling administrators when one is gone, and forgetting what is long over."""

from datetime import timedelta
from typing import Any

from flask import current_app, url_for

from marketplace.civic.accounts.models import Person, Role
from marketplace.civic.notifications import models as notifications
from marketplace.civic.webhooks import policy, queries, service
from marketplace.civic.webhooks.models import OFF_REASONS
from marketplace.kernel import db, events, hooks, jobs, retention, things
from marketplace.kernel.retention import Erased, Kept
from marketplace.kernel.things import Thing
from marketplace.kernel.words import _, _l

events.listening.register(service.note_event)

things.register(
    things.Kind(
        name="webhook",
        label=_l("Webhook"),
        find=queries.by_ids,
        title=lambda endpoint: str(endpoint.description),
        link=lambda endpoint: url_for("webhooks.endpoint", endpoint_id=endpoint.id),
        may_see=lambda person, _endpoint: policy.may_look_after_webhooks(person),
        author_id=lambda endpoint: endpoint.created_by_id,
    )
)


class NotTaken(Exception):
    """The receiver did not take it this time."""


# more tries than the service counts: a worker that dies has tried too
@jobs.task("webhooks.deliver", attempts=service.ATTEMPTS + 5, lease=timedelta(minutes=2), outside=True)
def deliver(delivery_id: int, turn: int) -> None:
    """Send one piece of news. If the worker dies after it was taken, it is sent again with the same webhook-id."""
    message = service.message_of(delivery_id, turn, source=current_app.extensions["settings"].base_url)
    db.session.remove()  # no transaction stays open while the receiver takes its time
    if message is None:
        return
    outcome = service.send(message)
    with db.transaction():
        again = service.note_outcome(delivery_id, turn, outcome)
    if again:
        raise NotTaken


jobs.timed("webhooks.sweep", every=timedelta(hours=1))(service.sweep)


# --- telling administrators ---


def _off_title(thing: Thing | None, _facts: notifications.Facts) -> str:
    return _("The webhook “{name}” was switched off", name=thing.title if thing else "")


def _off_facts(thing: Thing, _person: Person, _facts: notifications.Facts) -> dict[str, Any] | None:
    endpoint = thing.record
    if endpoint.off_reason is None:
        return None
    return {"description": endpoint.description, "url": endpoint.url, "reason": OFF_REASONS[endpoint.off_reason]}


notifications.register(
    notifications.News(
        "webhooks.off",
        notifications.Topic(
            "webhooks", _l("Webhooks"), _l("When another system no longer takes what we tell it."), staff=True
        ),
        _off_title,
        letter="letters/webhooks/off",
        context=_off_facts,
    )
)


@hooks.waits_at_desk.register
def waits_at_desk(person: Person) -> hooks.Queue | None:
    """Webhooks that went off by themselves, for administrators."""
    if not person.is_a(Role.ADMINISTRATOR) or not (off := queries.given_up()):
        return None
    waiting = [hooks.Waiting(one.description, url_for("webhooks.endpoint", endpoint_id=one.id), harm=1) for one in off]
    return hooks.Queue(_("Webhooks that were switched off"), url_for("webhooks.endpoints"), len(off), waiting)


# --- what is kept about people ---

retention.register(
    Kept(
        "webhook_endpoints",
        _l("Which other systems of the city are told what happens here, and which administrator added them."),
        _l("To tell them, and to ask back."),
        _l("Until an administrator removes the system."),
        Erased.NAMELESS,
        stays=frozenset({"url", "description", "kinds", "secret", "old_secret"}),
    ),
    Kept(
        "webhook_deliveries",
        _l("Messages to other systems of the city: which record changed, when and where, never who."),
        _l("To send again what did not arrive."),
        _l("30 days."),
        Erased.KEPT,
        job="webhooks.sweep",
    ),
)


@hooks.personal_data.register
def registered(person: Person) -> hooks.Extract:
    """Which webhooks a person registered."""
    return hooks.extract("webhooks", _l("Webhooks you registered"), queries.registered_by(person))


@hooks.erasing.register
def forget(person: Person) -> None:
    """Webhooks stay, without the number of who registered them."""
    service.forget_registrar(person)
