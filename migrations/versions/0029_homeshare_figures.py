"""Home share: grants for repairs, and facts for the audit of fairness."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"

MOMENT = sa.DateTime(timezone=True)
GRANTS = "homeshare_grants"
GRANT_CHECKS = {
    "within_bounds": "amount BETWEEN 1 AND most AND room BETWEEN 1 AND 3",
    "decided_by_someone": "(decided_by_id IS NULL) = (decided_at IS NULL)",
    "decided": "(state = 'asked') = (decided_by_id IS NULL)",
    "decision_has_a_reason": "decided_by_id IS NULL OR length(trim(reason)) > 0",
    "done": "(state IN ('done', 'paid')) = (done_at IS NOT NULL)",
    "paid": "(state = 'paid') = (paid_by_id IS NOT NULL)",
    "paid_with_an_invoice": (
        "(paid_by_id IS NULL) = (paid_on IS NULL) AND (paid_by_id IS NULL) = (invoice_seen_on IS NULL)"
    ),
    "closed": "(state IN ('declined', 'paid')) = (closed_at IS NOT NULL)",
    "not_for_oneself": "decided_by_id <> host_id AND paid_by_id <> host_id",
    "two_people": "paid_by_id <> decided_by_id",
}
PEOPLE = ("host_id", "decided_by_id", "paid_by_id")


def key(table: str, column: str, to: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    """A foreign key, named as the models name it."""
    return sa.ForeignKeyConstraint([column], [to], name=f"fk_{table}_{column}", ondelete=ondelete)


def checks(table: str, conditions: dict[str, str]) -> list[sa.CheckConstraint]:
    """Conditions, named as the models name them."""
    return [sa.CheckConstraint(text, name=op.f(f"ck_{table}_{name}")) for name, text in conditions.items()]


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        GRANTS,
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("reference", sa.String(12), nullable=False),
        sa.Column("home_id", sa.Integer, nullable=False),
        sa.Column("room", sa.Integer, nullable=False),
        sa.Column("host_id", sa.Integer, nullable=False),
        sa.Column("repair", sa.String(30), nullable=False),
        sa.Column("amount", sa.Integer, nullable=False),
        sa.Column("most", sa.Integer, nullable=False),
        sa.Column("words", sa.String(2000), nullable=False),
        sa.Column("state", sa.String(30), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("decided_by_id", sa.Integer),
        sa.Column("decided_at", MOMENT),
        sa.Column("reason", sa.String(2000), nullable=False),
        sa.Column("done_at", MOMENT),
        sa.Column("invoice_seen_on", sa.Date),
        sa.Column("paid_on", sa.Date),
        sa.Column("paid_by_id", sa.Integer),
        sa.Column("closed_at", MOMENT),
        sa.Column("version", sa.Integer, nullable=False),
        key(GRANTS, "home_id", "homeshare_applications.id", ondelete="CASCADE"),
        *(key(GRANTS, column, "people.id") for column in PEOPLE),
        *checks(GRANTS, GRANT_CHECKS),
        sa.PrimaryKeyConstraint("id", name=f"pk_{GRANTS}"),
        sa.UniqueConstraint("reference", name=f"uq_{GRANTS}_reference"),
    )
    for column in ("home_id", "closed_at", *PEOPLE):
        op.create_index(f"ix_{GRANTS}_{column}", GRANTS, [column])
    op.create_index(f"ix_{GRANTS}_state_asked_at", GRANTS, ["state", "asked_at"])
    asked = sa.text("state = 'asked'")
    op.create_index(f"uq_{GRANTS}_asked", GRANTS, ["home_id"], unique=True, sqlite_where=asked, postgresql_where=asked)
    op.create_table(
        "homeshare_audits",
        sa.Column("application_id", sa.Integer, nullable=False),
        sa.Column("income", sa.String(30)),
        sa.Column("age", sa.String(30)),
        sa.Column("first_to_study", sa.Boolean),
        sa.Column("from_abroad", sa.Boolean),
        sa.Column("step_free", sa.Boolean),
        sa.Column("said_at", MOMENT, nullable=False),
        key("homeshare_audits", "application_id", "homeshare_applications.id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("application_id", name="pk_homeshare_audits"),
    )


def downgrade() -> None:
    """Take them away again."""
    for table in ("homeshare_audits", GRANTS):
        op.drop_table(table)
