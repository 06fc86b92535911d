"""Finding the account of an identity, and the identity of an account."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from marketplace.civic.accounts.models import Person
from marketplace.civic.identity.models import Identity
from marketplace.kernel import db


def by_subject(issuer: str, subject: str) -> Identity | None:
    """Who that is here, with the account and its roles."""
    own = sa.select(Identity).where(Identity.issuer == issuer, Identity.subject == subject)
    own = own.options(joinedload(Identity.person, innerjoin=True).options(selectinload(Person.grants)))
    return db.session.scalars(own).first()


def of_person(person: Person, issuer: str) -> Identity | None:
    """What an account is linked to at a provider."""
    own = sa.select(Identity).where(Identity.person_id == person.id, Identity.issuer == issuer)
    return db.session.scalars(own).first()


def kept_about(person: Person) -> sa.Select[*tuple[Any, ...]]:
    """Every link of an account, for the copy of one's data."""
    columns = (Identity.issuer, Identity.subject, Identity.created_at, Identity.used_at)
    return sa.select(*columns).where(Identity.person_id == person.id).order_by(Identity.id)
