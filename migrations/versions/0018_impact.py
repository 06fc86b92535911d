"""What was lent in each month that is over, for the public figures."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "lending_months",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("month", sa.Date, nullable=False),
        sa.Column("district_id", sa.Integer),
        sa.Column("loans", sa.Integer, nullable=False),
        sa.Column("lenders", sa.Integer, nullable=False),
        sa.Column("met", sa.Integer, nullable=False),
        sa.Column("by_category", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_lending_months"),
        sa.ForeignKeyConstraint(["district_id"], ["districts.id"], name="fk_lending_months_district_id"),
        sa.UniqueConstraint("month", "district_id", name="uq_lending_months_month_district_id"),
        sa.CheckConstraint("loans >= 0 AND lenders >= 0 AND met >= 0", name="counts"),
    )
    op.create_index("ix_lending_months_district_id", "lending_months", ["district_id"])
    elsewhere = sa.text("district_id IS NULL")
    op.create_index(
        "uq_lending_months_elsewhere", "lending_months", ["month"],
        unique=True, sqlite_where=elsewhere, postgresql_where=elsewhere,
    )  # fmt: skip
    op.create_index("ix_loans_returned_at", "loans", ["returned_at"])


def downgrade() -> None:
    """As before."""
    op.drop_index("ix_loans_returned_at", "loans")
    op.drop_table("lending_months")
