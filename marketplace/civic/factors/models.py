"""What people prove who they are by beside a password. No secret stands here in the open."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import clock, db
from marketplace.kernel.words import Text, _l


class Check(StrEnum):
    """How an administrator made sure whose account it is, before taking the second factors away."""

    DOCUMENT = "document"
    COLLEAGUE = "colleague"


CHECKS: dict[str, Text] = {
    Check.DOCUMENT: _l("They came in person and showed a document that says who they are"),
    Check.COLLEAGUE: _l("They came in person, and a colleague who knows them was there"),
}


class CodeApp(db.Base):
    """An app that shows a code of six digits every half minute (RFC 6238); one for each person.

    `secret` is locked for its row. `last_step` is the half minute of the last code that was used: none is good twice.
    """

    __tablename__ = "code_apps"

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), primary_key=True)
    secret: Mapped[str] = mapped_column(sa.String(200))
    last_step: Mapped[int] = mapped_column(sa.BigInteger)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class RecoveryCode(db.Base):
    """A code on paper for when the phone is lost, good once; ten make a set.

    Its digest is keyed with the platform's secret. A slow hash would protect guessable words; these are 60 random bits.
    """

    __tablename__ = "recovery_codes"
    __table_args__ = (
        sa.UniqueConstraint("person_id", "number"),
        sa.CheckConstraint("number BETWEEN 1 AND 10", name="ten_in_a_set"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"))
    number: Mapped[int]
    digest: Mapped[str] = mapped_column(sa.String(40))
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    used_at: Mapped[datetime | None]


class Passkey(db.Base):
    """A key kept by a phone, a computer or a stick, which opens it by finger, face or PIN (WebAuthn).

    `handle` is what the device knows the person by: it says nothing of them, and is the same in all their passkeys.
    `sign_count` only ever rises, unless the device does not count at all: a copy would give itself away.
    """

    __tablename__ = "passkeys"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(80))
    credential_id: Mapped[str] = mapped_column(sa.String(1400), unique=True)
    public_key: Mapped[bytes]
    handle: Mapped[str] = mapped_column(sa.String(64))
    sign_count: Mapped[int] = mapped_column(sa.BigInteger)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    used_at: Mapped[datetime | None]


class SpentChallenge(db.Base):
    """A question that a passkey has answered: it is not asked again, and its answer is not taken twice."""

    __tablename__ = "spent_challenges"

    digest: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    spent_at: Mapped[datetime] = mapped_column(default=clock.now, index=True)
