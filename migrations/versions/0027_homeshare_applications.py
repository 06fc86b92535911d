"""Home share: who comes along, speaks for and stands by an applicant; appointments; why an application ended."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ExcludeConstraint

revision = "0027"
down_revision = "0026"

MOMENT = sa.DateTime(timezone=True)
APPLICATIONS = "homeshare_applications"
REFERENCES, APPOINTMENTS, SUPPORTERS = "homeshare_references", "homeshare_appointments", "homeshare_supporters"
ONE_AT_A_TIME = "ex_homeshare_appointments_coordinator"
BUSY = (
    "NEW.cancelled_at IS NULL AND EXISTS (SELECT 1 FROM homeshare_appointments"
    " WHERE coordinator_id = NEW.coordinator_id AND id <> NEW.id AND cancelled_at IS NULL"
    " AND starts_at < NEW.ends_at AND ends_at > NEW.starts_at)"
)


def key(table: str, column: str, to: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    """A foreign key, named as the models name it."""
    return sa.ForeignKeyConstraint([column], [to], name=f"fk_{table}_{column}", ondelete=ondelete)


def of_application(table: str) -> sa.ForeignKeyConstraint:
    """A row that goes with its application."""
    return key(table, "application_id", "homeshare_applications.id", "CASCADE")


def upgrade() -> None:
    """Make the tables and columns."""
    op.add_column(APPLICATIONS, sa.Column("friend", sa.String(500), nullable=False, server_default=""))
    op.add_column(APPLICATIONS, sa.Column("closed_because", sa.String(30)))
    op.create_table(
        REFERENCES,
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("application_id", sa.Integer, nullable=False),
        sa.Column("of_second", sa.Boolean, nullable=False),
        sa.Column("relation", sa.String(30), nullable=False),
        sa.Column("name", sa.String(500), nullable=False),
        sa.Column("email", sa.String(1000), nullable=False),
        sa.Column("phone", sa.String(500), nullable=False),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("nonce", sa.String(64), nullable=False),
        sa.Column("named_at", MOMENT, nullable=False),
        sa.Column("asked_at", MOMENT),
        sa.Column("answered_at", MOMENT),
        sa.Column("recommends", sa.Boolean),
        sa.Column("words", sa.String(8000), nullable=False),
        sa.Column("check_id", sa.Integer),
        sa.CheckConstraint("(answered_at IS NULL) = (recommends IS NULL)", name=op.f(f"ck_{REFERENCES}_answered")),
        sa.CheckConstraint("name = '' OR email <> '' OR phone <> ''", name=op.f(f"ck_{REFERENCES}_can_be_reached")),
        of_application(REFERENCES),
        key(REFERENCES, "check_id", "homeshare_checks.id", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{REFERENCES}"),
        sa.UniqueConstraint("check_id", name=f"uq_{REFERENCES}_check_id"),
    )
    op.create_index(f"ix_{REFERENCES}_application_id", REFERENCES, ["application_id"])
    _make_appointments()
    op.create_table(
        SUPPORTERS,
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("application_id", sa.Integer, nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("nonce", sa.String(64), nullable=False),
        sa.Column("invited_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("person_id", sa.Integer),
        sa.Column("accepted_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.CheckConstraint(
            "(person_id IS NULL) = (accepted_at IS NULL)", name=op.f(f"ck_{SUPPORTERS}_accepted_by_someone")
        ),
        of_application(SUPPORTERS),
        key(SUPPORTERS, "person_id", "people.id"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{SUPPORTERS}"),
    )
    op.create_index(f"ix_{SUPPORTERS}_application_id", SUPPORTERS, ["application_id", "ended_at"])
    op.create_index(f"ix_{SUPPORTERS}_person_id", SUPPORTERS, ["person_id"])


def _make_appointments() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    one_at_a_time = ExcludeConstraint(
        (sa.column("coordinator_id"), "="),
        (sa.text("tstzrange(starts_at, ends_at)"), "&&"),
        where=sa.text("cancelled_at IS NULL"),
        name=ONE_AT_A_TIME,
    )
    op.create_table(
        APPOINTMENTS,
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("application_id", sa.Integer, nullable=False),
        sa.Column("coordinator_id", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(30), nullable=False),
        sa.Column("starts_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("place", sa.String(200), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("cancelled_at", MOMENT),
        sa.CheckConstraint("starts_at < ends_at", name=op.f(f"ck_{APPOINTMENTS}_in_order")),
        *([one_at_a_time] if postgresql else []),
        of_application(APPOINTMENTS),
        key(APPOINTMENTS, "coordinator_id", "people.id"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{APPOINTMENTS}"),
    )
    op.create_index(f"ix_{APPOINTMENTS}_application_id", APPOINTMENTS, ["application_id"])
    op.create_index(f"ix_{APPOINTMENTS}_coordinator_id", APPOINTMENTS, ["coordinator_id", "starts_at"])
    op.create_index(f"ix_{APPOINTMENTS}_starts_at", APPOINTMENTS, ["starts_at"])
    for when in () if postgresql else ("INSERT", "UPDATE"):
        op.execute(
            f"CREATE TRIGGER {ONE_AT_A_TIME}_{when.lower()} AFTER {when} ON {APPOINTMENTS} WHEN {BUSY}"
            f" BEGIN SELECT RAISE(ABORT, '{ONE_AT_A_TIME}'); END"
        )


def downgrade() -> None:
    """Take them away again."""
    for table in (SUPPORTERS, APPOINTMENTS, REFERENCES):
        op.drop_table(table)
    for column in ("closed_because", "friend"):
        op.drop_column(APPLICATIONS, column)
