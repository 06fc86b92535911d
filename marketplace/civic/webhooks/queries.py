"""Endpoints and deliveries."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from marketplace.civic.accounts.models import Person, Role, RoleGrant
from marketplace.civic.webhooks.models import DeliveryState, OffReason, WebhookDelivery, WebhookEndpoint
from marketplace.kernel import db
from marketplace.kernel.errors import NotFound


def all_endpoints() -> list[WebhookEndpoint]:
    """Every endpoint, oldest first."""
    return list(db.session.scalars(sa.select(WebhookEndpoint).order_by(WebhookEndpoint.id)))


def endpoint(endpoint_id: int) -> WebhookEndpoint:
    """One endpoint. Raises NotFound."""
    if (found := db.session.get(WebhookEndpoint, endpoint_id)) is None:
        raise NotFound
    return found


def registered_by(person: Person) -> sa.Select[*tuple[Any, ...]]:
    """What is kept about the endpoints that a person registered."""
    columns = (WebhookEndpoint.url, WebhookEndpoint.description, WebhookEndpoint.created_at)
    return sa.select(*columns).where(WebhookEndpoint.created_by_id == person.id).order_by(WebhookEndpoint.id)


def given_up() -> list[WebhookEndpoint]:
    """The endpoints that went off by themselves."""
    off = sa.select(WebhookEndpoint).where(WebhookEndpoint.off_reason.in_([OffReason.GONE, OffReason.FAILING]))
    return list(db.session.scalars(off.order_by(WebhookEndpoint.off_at)))


def deliveries(endpoint_id: int, state: DeliveryState | None = None) -> sa.Select[WebhookDelivery]:
    """What was sent to an endpoint, latest first; all of it, or what is in this state."""
    sent = sa.select(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint_id)
    if state is not None:
        sent = sent.where(WebhookDelivery.state == state)
    return sent.order_by(WebhookDelivery.created_at.desc(), WebhookDelivery.id.desc())


def delivery(endpoint_id: int, delivery_id: int) -> WebhookDelivery:
    """One delivery of an endpoint, with the endpoint. Raises NotFound."""
    found = delivery_by_id(delivery_id)
    if found is None or found.endpoint_id != endpoint_id:
        raise NotFound
    return found


def delivery_by_id(delivery_id: int, *, lock: bool = False) -> WebhookDelivery | None:
    """A delivery with its endpoint, if it is still there; locked until the transaction ends."""
    own = sa.select(WebhookDelivery).where(WebhookDelivery.id == delivery_id)
    own = own.options(joinedload(WebhookDelivery.endpoint, innerjoin=True))
    return db.session.scalars(own.with_for_update() if lock else own).first()


def failed_since(endpoint_id: int, since: datetime, most: int) -> list[int]:
    """Which deliveries of an endpoint failed, of news since a moment, oldest first."""
    lost = sa.select(WebhookDelivery.id).where(
        WebhookDelivery.endpoint_id == endpoint_id,
        WebhookDelivery.state == DeliveryState.FAILED,
        WebhookDelivery.created_at >= since,
    )
    return list(db.session.scalars(lost.order_by(WebhookDelivery.created_at, WebhookDelivery.id).limit(most)))


def administrator_ids() -> list[int]:
    """Who is told when a webhook goes off by itself."""
    return list(db.session.scalars(sa.select(RoleGrant.person_id).where(RoleGrant.role == Role.ADMINISTRATOR)))


def by_ids(numbers: Collection[int]) -> dict[int, WebhookEndpoint]:
    """These endpoints, as far as they are still there."""
    found = db.session.scalars(sa.select(WebhookEndpoint).where(WebhookEndpoint.id.in_(numbers)))
    return {one.id: one for one in found}
