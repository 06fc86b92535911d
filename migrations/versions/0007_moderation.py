"""Reports, decisions and appeals; concerns for people's safety."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

MOMENT = sa.DateTime(timezone=True)
ENUM = sa.String(30)


def unique_where(name: str, table: str, column: str, condition: str) -> None:
    """An index that keeps a column unique among some rows."""
    where = sa.text(condition)
    op.create_index(name, table, [column], unique=True, sqlite_where=where, postgresql_where=where)


def upgrade() -> None:
    """Make the tables."""
    op.add_column("people", sa.Column("suspended_until", MOMENT))
    op.add_column("spaces", sa.Column("hidden_at", MOMENT))
    op.create_table(
        "moderation_cases",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("reference", sa.String(12), nullable=False),
        sa.Column("subject", sa.String(100), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("author_id", sa.Integer),
        sa.Column("reason", ENUM, nullable=False),
        sa.Column("harm", sa.Integer, nullable=False),
        sa.Column("state", ENUM, nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("auto_hidden_at", MOMENT),
        sa.Column("statement", sa.Text, nullable=False),
        sa.Column("settled_at", MOMENT),
        sa.Column("claimed_by_id", sa.Integer),
        sa.Column("claimed_until", MOMENT),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("harm BETWEEN 0 AND 3", name=op.f("ck_moderation_cases_harm")),
        sa.CheckConstraint(
            "(claimed_by_id IS NULL) = (claimed_until IS NULL)", name=op.f("ck_moderation_cases_claimed_until_when")
        ),
        sa.ForeignKeyConstraint(["author_id"], ["people.id"], name=op.f("fk_moderation_cases_author_id")),
        sa.ForeignKeyConstraint(["claimed_by_id"], ["people.id"], name=op.f("fk_moderation_cases_claimed_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_moderation_cases")),
        sa.UniqueConstraint("reference", name=op.f("uq_moderation_cases_reference")),
    )
    op.create_index(op.f("ix_moderation_cases_subject"), "moderation_cases", ["subject"])
    op.create_index(op.f("ix_moderation_cases_author_id"), "moderation_cases", ["author_id"])
    op.create_index("ix_moderation_cases_queue", "moderation_cases", ["state", "harm", "due_at"])
    unique_where("uq_moderation_cases_gathering", "moderation_cases", "subject", "state IN ('open', 'decided')")
    op.create_table(
        "moderation_reports",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("reference", sa.String(12), nullable=False),
        sa.Column("case_id", sa.Integer, nullable=False),
        sa.Column("subject", sa.String(100), nullable=False),
        sa.Column("person_id", sa.Integer),
        sa.Column("verified", sa.Boolean, nullable=False),
        sa.Column("reason", ENUM, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["moderation_cases.id"], name=op.f("fk_moderation_reports_case_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_moderation_reports_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_moderation_reports")),
        sa.UniqueConstraint("reference", name=op.f("uq_moderation_reports_reference")),
        sa.UniqueConstraint("person_id", "subject", name=op.f("uq_moderation_reports_person_id_subject")),
    )
    op.create_index(op.f("ix_moderation_reports_case_id"), "moderation_reports", ["case_id"])
    op.create_index(op.f("ix_moderation_reports_created_at"), "moderation_reports", ["created_at"])
    op.create_table(
        "moderation_decisions",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("case_id", sa.Integer, nullable=False),
        sa.Column("act", ENUM, nullable=False),
        sa.Column("reason", ENUM),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("days", sa.Integer),
        sa.Column("until", MOMENT),
        sa.Column("by_id", sa.Integer, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("undone_at", MOMENT),
        sa.CheckConstraint("act = 'keep' OR reason IS NOT NULL", name=op.f("ck_moderation_decisions_with_a_reason")),
        sa.CheckConstraint(
            "(act = 'suspend') = (until IS NOT NULL)", name=op.f("ck_moderation_decisions_suspended_until_when")
        ),
        sa.CheckConstraint(
            "(act = 'suspend') = (days IS NOT NULL)", name=op.f("ck_moderation_decisions_suspended_for_days")
        ),
        sa.ForeignKeyConstraint(["by_id"], ["people.id"], name=op.f("fk_moderation_decisions_by_id")),
        sa.ForeignKeyConstraint(["case_id"], ["moderation_cases.id"], name=op.f("fk_moderation_decisions_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_moderation_decisions")),
        sa.UniqueConstraint("id", "by_id", name=op.f("uq_moderation_decisions_id_by_id")),
    )
    op.create_index(op.f("ix_moderation_decisions_at"), "moderation_decisions", ["at"])
    op.create_index("ix_moderation_decisions_case_id", "moderation_decisions", ["case_id"])
    unique_where("uq_moderation_decisions_standing", "moderation_decisions", "case_id", "undone_at IS NULL")
    op.create_table(
        "moderation_appeals",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("decision_id", sa.Integer, nullable=False),
        sa.Column("decided_by_id", sa.Integer, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("answer", ENUM),
        sa.Column("answer_text", sa.Text, nullable=False),
        sa.Column("answered_by_id", sa.Integer),
        sa.Column("answered_at", MOMENT),
        sa.CheckConstraint("answered_by_id <> decided_by_id", name=op.f("ck_moderation_appeals_answered_by_another")),
        sa.CheckConstraint(
            "(answer IS NULL) = (answered_by_id IS NULL) AND (answer IS NULL) = (answered_at IS NULL)",
            name=op.f("ck_moderation_appeals_answered"),
        ),
        sa.ForeignKeyConstraint(["answered_by_id"], ["people.id"], name=op.f("fk_moderation_appeals_answered_by_id")),
        sa.ForeignKeyConstraint(
            ["decision_id", "decided_by_id"],
            ["moderation_decisions.id", "moderation_decisions.by_id"],
            name=op.f("fk_moderation_appeals_decision_id_decided_by_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_moderation_appeals")),
        sa.UniqueConstraint("decision_id", name=op.f("uq_moderation_appeals_decision_id")),
    )
    op.create_table(
        "moderation_words",
        sa.Column("reason", ENUM, nullable=False),
        sa.Column("en", sa.Text, nullable=False),
        sa.Column("ko", sa.Text, nullable=False),
        sa.Column("changed_by_id", sa.Integer, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(["changed_by_id"], ["people.id"], name=op.f("fk_moderation_words_changed_by_id")),
        sa.PrimaryKeyConstraint("reason", name=op.f("pk_moderation_words")),
    )
    op.create_table(
        "safeguarding_concerns",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("reference", sa.String(12), nullable=False),
        sa.Column("subject", sa.String(100), nullable=False),
        sa.Column("about_id", sa.Integer),
        sa.Column("reporter_id", sa.Integer),
        sa.Column("reason", ENUM, nullable=False),
        sa.Column("note_locked", sa.Text, nullable=False),
        sa.Column("said_locked", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("officer_id", sa.Integer),
        sa.Column("outcome", ENUM),
        sa.Column("closed_at", MOMENT),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint(
            "(outcome IS NULL) = (closed_at IS NULL)", name=op.f("ck_safeguarding_concerns_closed_with_an_outcome")
        ),
        sa.ForeignKeyConstraint(["about_id"], ["people.id"], name=op.f("fk_safeguarding_concerns_about_id")),
        sa.ForeignKeyConstraint(["officer_id"], ["people.id"], name=op.f("fk_safeguarding_concerns_officer_id")),
        sa.ForeignKeyConstraint(["reporter_id"], ["people.id"], name=op.f("fk_safeguarding_concerns_reporter_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_safeguarding_concerns")),
        sa.UniqueConstraint("reference", name=op.f("uq_safeguarding_concerns_reference")),
        sa.UniqueConstraint("reporter_id", "subject", name=op.f("uq_safeguarding_concerns_reporter_id_subject")),
    )
    op.create_index(op.f("ix_safeguarding_concerns_about_id"), "safeguarding_concerns", ["about_id"])
    op.create_index("ix_safeguarding_concerns_closed_at_due_at", "safeguarding_concerns", ["closed_at", "due_at"])
    op.create_table(
        "safeguarding_notes",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("concern_id", sa.Integer, nullable=False),
        sa.Column("by_id", sa.Integer, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("text_locked", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["by_id"], ["people.id"], name=op.f("fk_safeguarding_notes_by_id")),
        sa.ForeignKeyConstraint(
            ["concern_id"], ["safeguarding_concerns.id"], name=op.f("fk_safeguarding_notes_concern_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_safeguarding_notes")),
    )
    op.create_index(op.f("ix_safeguarding_notes_concern_id"), "safeguarding_notes", ["concern_id"])


def downgrade() -> None:
    """Take them away again."""
    for table in (
        "safeguarding_notes", "safeguarding_concerns", "moderation_words", "moderation_appeals", "moderation_decisions",
        "moderation_reports", "moderation_cases",
    ):  # fmt: skip
        op.drop_table(table)
    op.drop_column("spaces", "hidden_at")
    op.drop_column("people", "suspended_until")
