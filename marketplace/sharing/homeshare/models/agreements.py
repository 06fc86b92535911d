"""What two agree on before they live together: edition after edition, each signed as it stands or not at all."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.kernel import clock, db
from marketplace.sharing.homeshare.models.applications import Side
from marketplace.sharing.homeshare.models.matches import Match

_CURRENT = "replaced_at IS NULL"


class Agreement(db.Base):
    """One edition of the agreement of two. Nothing of it changes; a change is a new edition, which nobody has signed.

    Its text names nobody: it speaks of the host and the student, in both languages.
    """

    __tablename__ = "homeshare_agreements"

    id: Mapped[int] = mapped_column(primary_key=True)
    match_id: Mapped[int] = mapped_column(ForeignKey("homeshare_matches.id", ondelete="CASCADE"), index=True)
    number: Mapped[int]
    """1 for the first edition."""
    terms: Mapped[dict[str, Any]]
    """What was settled, by name: rent, hours, tasks, evenings and so on; days as in 2027-03-01."""
    text: Mapped[dict[str, Any]]
    """The lines as they are signed, by language."""
    digest: Mapped[str] = mapped_column(sa.String(64))
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    """The coordinator who changed it; nobody, where it was made of what both had answered."""
    made_at: Mapped[datetime] = mapped_column(default=clock.now)
    replaced_at: Mapped[datetime | None]

    match: Mapped[Match] = relationship(lazy="raise")
    signatures: Mapped[list["Signature"]] = relationship(lazy="raise", order_by="Signature.id")

    __table_args__ = (
        CheckConstraint("number >= 1", name="number"),
        UniqueConstraint("match_id", "number", name="uq_homeshare_agreements_match_id_number"),
        UniqueConstraint("id", "digest", name="uq_homeshare_agreements_id_digest"),
        Index(
            "uq_homeshare_agreements_current",
            "match_id",
            unique=True,
            sqlite_where=sa.text(_CURRENT),
            postgresql_where=sa.text(_CURRENT),
        ),
    )

    @property
    def is_signed(self) -> bool:
        """Whether both have signed it; needs the signatures."""
        return {one.side for one in self.signatures} == set(Side)

    def signature_of(self, side: Side) -> "Signature | None":
        """The signature of a side; needs the signatures."""
        return next((one for one in self.signatures if one.side is side), None)


class Signature(db.Base):
    """That one side agreed to exactly this text at this moment, once."""

    __tablename__ = "homeshare_signatures"

    id: Mapped[int] = mapped_column(primary_key=True)
    agreement_id: Mapped[int] = mapped_column(index=True)
    digest: Mapped[str] = mapped_column(sa.String(64))
    side: Mapped[Side]
    by_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    signed_at: Mapped[datetime] = mapped_column(default=clock.now)

    __table_args__ = (
        ForeignKeyConstraint(
            ["agreement_id", "digest"],
            ["homeshare_agreements.id", "homeshare_agreements.digest"],
            name="fk_homeshare_signatures_agreement_id_digest",
            ondelete="CASCADE",
        ),
        UniqueConstraint("agreement_id", "side", name="uq_homeshare_signatures_agreement_id_side"),
    )


def digest_of(text: Mapping[str, Any]) -> str:
    """The SHA-256 of a text in all its languages, which does not depend on how it is stored."""
    written = json.dumps(text, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


# --- what the database holds fast ---

SIGNED_AS_IT_IS = "homeshare_signatures_as_it_is"
"""Only the current edition is signed, and by nobody but its own side."""
SETTLED = "homeshare_agreements_settled"
"""What an edition says does not change, and one that both signed is not replaced."""
MOVED_IN_SIGNED = "homeshare_matches_moved_in_signed"
"""Whoever agreed on a meeting moves in only after both have signed."""

_SIGNER = (
    "NOT EXISTS (SELECT 1 FROM homeshare_agreements AS a JOIN homeshare_matches AS m ON m.id = a.match_id"
    " JOIN homeshare_applications AS p ON p.id = CASE NEW.side WHEN 'host' THEN m.home_id ELSE m.student_id END"
    " WHERE a.id = NEW.agreement_id AND a.replaced_at IS NULL AND p.person_id = NEW.by_id)"
)
_SIGNED_TWICE = "(SELECT count(*) FROM homeshare_signatures WHERE agreement_id = OLD.id) = 2"
_CHANGED = (
    "NEW.digest <> OLD.digest OR NEW.number <> OLD.number OR NEW.match_id <> OLD.match_id"
    f" OR (NEW.replaced_at IS NOT NULL AND OLD.replaced_at IS NULL AND {_SIGNED_TWICE})"
    " OR (NEW.replaced_at IS NULL AND OLD.replaced_at IS NOT NULL)"
)
_UNSIGNED = (
    "OLD.state = 'agreeing' AND NEW.state = 'trial' AND NOT EXISTS (SELECT 1 FROM homeshare_agreements AS a"
    " WHERE a.match_id = NEW.id AND a.replaced_at IS NULL"
    " AND (SELECT count(*) FROM homeshare_signatures AS s WHERE s.agreement_id = a.id) = 2)"
)


def _guards(name: str, when: str, table: str, wrong: str, held: str = "") -> dict[str, tuple[str, ...]]:
    """Refuse rows of a table that are wrong, by dialect; PostgreSQL first holds the row that it depends on."""
    raising = f"RAISE EXCEPTION '{name}' USING ERRCODE = 'integrity_constraint_violation'"
    return {
        "sqlite": (
            f"CREATE TRIGGER {name} BEFORE {when} ON {table} WHEN {wrong} BEGIN SELECT RAISE(ABORT, '{name}'); END",
        ),
        "postgresql": (
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {held}"
            f" IF {wrong} THEN {raising}; END IF; RETURN NEW; END $$",
            f"CREATE TRIGGER {name} BEFORE {when} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()",
        ),
    }


GUARDS = {
    SIGNED_AS_IT_IS: _guards(
        SIGNED_AS_IT_IS, "INSERT", "homeshare_signatures", _SIGNER,
        "PERFORM 1 FROM homeshare_agreements WHERE id = NEW.agreement_id FOR UPDATE;",
    ),
    SETTLED: _guards(SETTLED, "UPDATE", "homeshare_agreements", _CHANGED),
    MOVED_IN_SIGNED: _guards(MOVED_IN_SIGNED, "UPDATE", "homeshare_matches", _UNSIGNED),
}  # fmt: skip

db.guard(Agreement.__table__, SETTLED, GUARDS[SETTLED])
db.guard(Signature.__table__, SIGNED_AS_IT_IS, GUARDS[SIGNED_AS_IT_IS])
db.guard(Match.__table__, MOVED_IN_SIGNED, GUARDS[MOVED_IN_SIGNED])
