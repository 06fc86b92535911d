"""Home share: answers, meetings, agreements, check-ins, and what waits for coordinators."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"

MOMENT = sa.DateTime(timezone=True)
MATCHES = "homeshare_matches"

SIGNED_AS_IT_IS = "homeshare_signatures_as_it_is"
SETTLED = "homeshare_agreements_settled"
MOVED_IN_SIGNED = "homeshare_matches_moved_in_signed"
SIGNER = (
    "NOT EXISTS (SELECT 1 FROM homeshare_agreements AS a JOIN homeshare_matches AS m ON m.id = a.match_id"
    " JOIN homeshare_applications AS p ON p.id = CASE NEW.side WHEN 'host' THEN m.home_id ELSE m.student_id END"
    " WHERE a.id = NEW.agreement_id AND a.replaced_at IS NULL AND p.person_id = NEW.by_id)"
)
SIGNED_TWICE = "(SELECT count(*) FROM homeshare_signatures WHERE agreement_id = OLD.id) = 2"
CHANGED = (
    "NEW.digest <> OLD.digest OR NEW.number <> OLD.number OR NEW.match_id <> OLD.match_id"
    f" OR (NEW.replaced_at IS NOT NULL AND OLD.replaced_at IS NULL AND {SIGNED_TWICE})"
    " OR (NEW.replaced_at IS NULL AND OLD.replaced_at IS NOT NULL)"
)
UNSIGNED = (
    "OLD.state = 'agreeing' AND NEW.state = 'trial' AND NOT EXISTS (SELECT 1 FROM homeshare_agreements AS a"
    " WHERE a.match_id = NEW.id AND a.replaced_at IS NULL"
    " AND (SELECT count(*) FROM homeshare_signatures AS s WHERE s.agreement_id = a.id) = 2)"
)


def guards(name: str, when: str, table: str, wrong: str, held: str = "") -> dict[str, tuple[str, ...]]:
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
    SIGNED_AS_IT_IS: guards(
        SIGNED_AS_IT_IS, "INSERT", "homeshare_signatures", SIGNER,
        "PERFORM 1 FROM homeshare_agreements WHERE id = NEW.agreement_id FOR UPDATE;",
    ),
    SETTLED: guards(SETTLED, "UPDATE", "homeshare_agreements", CHANGED),
    MOVED_IN_SIGNED: guards(MOVED_IN_SIGNED, "UPDATE", "homeshare_matches", UNSIGNED),
}  # fmt: skip


def check(name: str, condition: str) -> sa.CheckConstraint:
    """A check of a new column of matches, which may look at the others."""
    return sa.CheckConstraint(condition, name=op.f(f"ck_{MATCHES}_{name}"))


def text(name: str, length: int) -> sa.Column[str]:
    """A text that is empty at first."""
    return sa.Column(name, sa.String(length), nullable=False, server_default="")


def upgrade() -> None:
    """Make the columns, the tables and the guards."""
    of_a_no = "({0}_reason IS NULL OR coalesce({0}_answer, '') = 'no')"
    in_time = "student_answered_at <= answer_by AND host_answered_at <= answer_by"
    for column in (
        sa.Column("student_reason", sa.String(30)),
        sa.Column(
            "host_reason", sa.String(30),
            check("reason_of_a_no", f"{of_a_no.format('student')} AND {of_a_no.format('host')}"),
        ),
        text("student_words", 4000),
        text("host_words", 4000),
        sa.Column("extended_at", MOMENT, check("answered_in_time", in_time)),
        sa.Column("reminded_at", MOMENT),
        sa.Column("student_goes_on", sa.Boolean),
        sa.Column("host_goes_on", sa.Boolean),
        sa.Column(
            "ends_on", sa.Date, check("notice_to_who_lives_there", "ends_on IS NULL OR moved_in_on IS NOT NULL")
        ),
        sa.Column("end_reason", sa.String(30)),
        text("end_words", 4000),
        sa.Column("ended_by", sa.String(30)),
    ):  # fmt: skip
        op.add_column(MATCHES, column)
    op.create_table(
        "homeshare_meetings",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("match_id", sa.Integer, nullable=False),
        sa.Column("starts_at", MOMENT, nullable=False),
        sa.Column("place", sa.String(2000), nullable=False),
        sa.Column("at_home", sa.Boolean, nullable=False),
        sa.Column("set_by_id", sa.Integer, nullable=False),
        sa.Column("set_at", MOMENT, nullable=False),
        sa.Column("changed", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_homeshare_meetings"),
        sa.ForeignKeyConstraint(["set_by_id"], ["people.id"], name="fk_homeshare_meetings_set_by_id"),
        sa.UniqueConstraint("match_id", name="uq_homeshare_meetings_match_id"),
        sa.ForeignKeyConstraint(
            ["match_id"],
            ["homeshare_matches.id"],
            name="fk_homeshare_meetings_match_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_homeshare_meetings_set_by_id", "homeshare_meetings", ["set_by_id"])
    op.create_table(
        "homeshare_agreements",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("match_id", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("terms", sa.JSON, nullable=False),
        sa.Column("text", sa.JSON, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("made_by_id", sa.Integer),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("replaced_at", MOMENT),
        sa.ForeignKeyConstraint(["made_by_id"], ["people.id"], name="fk_homeshare_agreements_made_by_id"),
        sa.PrimaryKeyConstraint("id", name="pk_homeshare_agreements"),
        sa.UniqueConstraint("id", "digest", name="uq_homeshare_agreements_id_digest"),
        sa.ForeignKeyConstraint(
            ["match_id"],
            ["homeshare_matches.id"],
            name="fk_homeshare_agreements_match_id",
            ondelete="CASCADE",
        ),
        sa.CheckConstraint("number >= 1", name=op.f("ck_homeshare_agreements_number")),
        sa.UniqueConstraint("match_id", "number", name="uq_homeshare_agreements_match_id_number"),
    )
    op.create_index("ix_homeshare_agreements_made_by_id", "homeshare_agreements", ["made_by_id"])
    op.create_index("ix_homeshare_agreements_match_id", "homeshare_agreements", ["match_id"])
    op.create_index(
        "uq_homeshare_agreements_current",
        "homeshare_agreements",
        ["match_id"],
        unique=True,
        sqlite_where=sa.text("replaced_at IS NULL"),
        postgresql_where=sa.text("replaced_at IS NULL"),
    )
    op.create_table(
        "homeshare_signatures",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("agreement_id", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("side", sa.String(30), nullable=False),
        sa.Column("by_id", sa.Integer, nullable=False),
        sa.Column("signed_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["people.id"], name="fk_homeshare_signatures_by_id"),
        sa.PrimaryKeyConstraint("id", name="pk_homeshare_signatures"),
        sa.ForeignKeyConstraint(
            ["agreement_id", "digest"],
            ["homeshare_agreements.id", "homeshare_agreements.digest"],
            name="fk_homeshare_signatures_agreement_id_digest",
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint("agreement_id", "side", name="uq_homeshare_signatures_agreement_id_side"),
    )
    op.create_index("ix_homeshare_signatures_agreement_id", "homeshare_signatures", ["agreement_id"])
    op.create_index("ix_homeshare_signatures_by_id", "homeshare_signatures", ["by_id"])
    op.create_table(
        "homeshare_checkins",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("match_id", sa.Integer, nullable=False),
        sa.Column("side", sa.String(30), nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("going", sa.String(30)),
        sa.Column("hours_kept", sa.Boolean),
        sa.Column("safe", sa.Boolean),
        sa.Column("talk", sa.Boolean),
        sa.Column("words", sa.String(8000), nullable=False),
        sa.Column("answered_at", MOMENT),
        sa.Column("reminded_at", MOMENT),
        sa.Column("missed_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_homeshare_checkins"),
        sa.CheckConstraint(
            "answered_at IS NOT NULL OR words = ''",
            name=op.f("ck_homeshare_checkins_words_of_an_answer"),
        ),
        sa.UniqueConstraint("match_id", "side", "due_on", name="uq_homeshare_checkins_match_id_side_due_on"),
        sa.CheckConstraint(
            "answered_at IS NULL"
            " OR (going IS NOT NULL AND hours_kept IS NOT NULL AND safe IS NOT NULL AND talk IS NOT NULL)",
            name=op.f("ck_homeshare_checkins_answered_whole"),
        ),
        sa.ForeignKeyConstraint(
            ["match_id"],
            ["homeshare_matches.id"],
            name="fk_homeshare_checkins_match_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index(
        "ix_homeshare_checkins_open",
        "homeshare_checkins",
        ["due_on"],
        sqlite_where=sa.text("answered_at IS NULL"),
        postgresql_where=sa.text("answered_at IS NULL"),
    )
    op.create_table(
        "homeshare_matters",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("match_id", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(30), nullable=False),
        sa.Column("side", sa.String(30)),
        sa.Column("by_id", sa.Integer),
        sa.Column("words", sa.String(8000), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("note", sa.String(8000), nullable=False),
        sa.Column("reply", sa.String(8000), nullable=False),
        sa.Column("outcome", sa.String(30)),
        sa.Column("settled_at", MOMENT),
        sa.Column("settled_by_id", sa.Integer),
        sa.ForeignKeyConstraint(["settled_by_id"], ["people.id"], name="fk_homeshare_matters_settled_by_id"),
        sa.PrimaryKeyConstraint("id", name="pk_homeshare_matters"),
        sa.CheckConstraint(
            "(settled_at IS NULL) = (settled_by_id IS NULL)",
            name=op.f("ck_homeshare_matters_settled_by_someone"),
        ),
        sa.ForeignKeyConstraint(["by_id"], ["people.id"], name="fk_homeshare_matters_by_id"),
        sa.ForeignKeyConstraint(
            ["match_id"],
            ["homeshare_matches.id"],
            name="fk_homeshare_matters_match_id",
            ondelete="CASCADE",
        ),
        sa.CheckConstraint(
            "(settled_at IS NULL) = (outcome IS NULL)",
            name=op.f("ck_homeshare_matters_settled_with_an_outcome"),
        ),
    )
    op.create_index("ix_homeshare_matters_by_id", "homeshare_matters", ["by_id"])
    op.create_index("ix_homeshare_matters_match_id", "homeshare_matters", ["match_id"])
    op.create_index(
        "ix_homeshare_matters_open",
        "homeshare_matters",
        ["due_at"],
        sqlite_where=sa.text("settled_at IS NULL"),
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.create_index("ix_homeshare_matters_settled_by_id", "homeshare_matters", ["settled_by_id"])
    for guard in GUARDS.values():
        for statement in guard[op.get_bind().dialect.name]:
            op.execute(statement)


def downgrade() -> None:
    """Take them away again."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    op.execute(f"DROP TRIGGER {MOVED_IN_SIGNED}{f' ON {MATCHES}' if postgresql else ''}")
    for table in ("matters", "checkins", "signatures", "agreements", "meetings"):
        op.drop_table(f"homeshare_{table}")
    if postgresql:
        for name in GUARDS:
            op.execute(f"DROP FUNCTION {name}()")
    for name in (
        "ended_by", "end_words", "end_reason", "ends_on", "host_goes_on", "student_goes_on", "reminded_at",
        "extended_at", "host_words", "student_words", "host_reason", "student_reason",
    ):  # fmt: skip
        op.drop_column(MATCHES, name)
