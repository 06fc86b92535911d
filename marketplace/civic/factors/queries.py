"""Which second factors people have."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.civic.factors.models import CodeApp, Passkey, RecoveryCode
from marketplace.kernel import db
from marketplace.kernel.errors import NotFound


@dataclass(frozen=True, slots=True)
class Factors:
    """What a person proves who they are by, beside the password."""

    app_since: datetime | None
    passkeys: list[Passkey]
    codes_left: int

    @property
    def count(self) -> int:
        """How many there are; recovery codes only stand in for them."""
        return len(self.passkeys) + (self.app_since is not None)


def factors_of(person: Person) -> Factors:
    """Everything a person has set up."""
    app_since = sa.select(CodeApp.created_at).where(CodeApp.person_id == person.id)
    left = sa.select(sa.func.count()).where(RecoveryCode.person_id == person.id, RecoveryCode.used_at.is_(None))
    counted = db.session.execute(sa.select(app_since.scalar_subquery(), left.scalar_subquery())).one()
    return Factors(counted[0], passkeys_of(person), counted[1])


def has_factor(person: Person) -> bool:
    """Whether a password alone opens nothing."""
    app = sa.exists().where(CodeApp.person_id == person.id)
    key = sa.exists().where(Passkey.person_id == person.id)
    return bool(db.session.scalar(sa.select(sa.or_(app, key))))


def passkeys_of(person: Person) -> list[Passkey]:
    """A person's passkeys, oldest first."""
    return list(db.session.scalars(sa.select(Passkey).where(Passkey.person_id == person.id).order_by(Passkey.id)))


def passkey(person: Person, passkey_id: int) -> Passkey:
    """One of the person's passkeys. Raises NotFound."""
    own = sa.select(Passkey).where(Passkey.id == passkey_id, Passkey.person_id == person.id)
    if (found := db.session.scalars(own).first()) is None:
        raise NotFound
    return found


def recovery_codes_of(person: Person) -> list[RecoveryCode]:
    """The person's set of codes, used or not."""
    own = sa.select(RecoveryCode).where(RecoveryCode.person_id == person.id)
    return list(db.session.scalars(own.order_by(RecoveryCode.number)))
