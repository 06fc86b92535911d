"""The city opens its rooms: accounts, places, rooms and bookings, and the ground they stand on.

Everything is written out here, so that it stays what it was when the models move on. The tables are declared as the
models declare them; what only one of the databases knows follows as SQL.
"""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import ExcludeConstraint

from marketplace.kernel import db

revision = "0001"
down_revision = None

MOMENT = sa.DateTime(timezone=True)

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

sa.Table(
    "audit_entries",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", MOMENT, nullable=False),
    sa.Column("actor_id", sa.Integer),
    sa.Column("action", sa.String(100), nullable=False),
    sa.Column("subject", sa.String(100), nullable=False, index=True),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Column("previous", sa.String(64), nullable=False, unique=True),
    sa.Column("hash", sa.String(64), nullable=False),
)

sa.Table(
    "departments",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("code", sa.String(20), nullable=False, unique=True),
    sa.Column("name_en", sa.String(120), nullable=False),
    sa.Column("name_ko", sa.String(120), nullable=False),
)

sa.Table(
    "districts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("code", sa.String(40), nullable=False, unique=True),
    sa.Column("name_en", sa.String(200), nullable=False),
    sa.Column("name_ko", sa.String(200), nullable=False),
)

sa.Table(
    "idempotency_keys",
    metadata,
    sa.Column("key_hash", sa.String(64), primary_key=True),
    sa.Column("request_hash", sa.String(64), nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("location", sa.String),
    sa.Column("content_type", sa.String),
    sa.Column("body", sa.LargeBinary),
    sa.Column("created_at", MOMENT, nullable=False, index=True),
)

sa.Table(
    "jobs",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("run_at", MOMENT, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("lease_until", MOMENT),
    sa.Column("worker", sa.String(100)),
    sa.Column("last_error", sa.Text),
    sa.Column("dead_at", MOMENT),
    sa.Column("created_at", MOMENT, nullable=False),
    sa.Index(
        "ix_jobs_due",
        "run_at",
        "id",
        sqlite_where=sa.text("dead_at IS NULL"),
        postgresql_where=sa.text("dead_at IS NULL"),
    ),
)

sa.Table(
    "rate_counters",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("window_start", MOMENT, primary_key=True, index=True),
    sa.Column("count", sa.Integer, nullable=False),
)

sa.Table(
    "resources",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("parent_id", sa.ForeignKey("resources.id"), index=True),
    sa.CheckConstraint("parent_id <> id", name="not_own_parent"),
)

sa.Table(
    "search_documents",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("kind", sa.String(30), nullable=False),
    sa.Column("record_id", sa.Integer, nullable=False),
    sa.Column("tokens", sa.Text, nullable=False),
    sa.UniqueConstraint("kind", "record_id"),
)

sa.Table(
    "timed_jobs",
    metadata,
    sa.Column("name", sa.String(100), primary_key=True),
    sa.Column("last_slot", sa.BigInteger, nullable=False),
)

sa.Table(
    "buildings",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("code", sa.String(200), nullable=False, unique=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("name_en", sa.String(200)),
    sa.Column("district_id", sa.ForeignKey("districts.id"), index=True),
    sa.Column("road_address", sa.String(300), nullable=False),
    sa.Column("lot_address", sa.String(300), nullable=False),
    sa.Column("phone", sa.String(60), nullable=False),
    sa.Column("homepage", sa.String(500), nullable=False),
    sa.Column("step_free", sa.Boolean),
    sa.Column("lift", sa.Boolean),
    sa.Column("accessible_toilet", sa.Boolean),
    sa.Column("hearing_loop", sa.Boolean),
    sa.Column("about", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)

sa.Table(
    "district_shapes",
    metadata,
    sa.Column("district_id", sa.ForeignKey("districts.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("shape", Geometry("MULTIPOLYGON", srid=4326), nullable=False),
    sa.Column("outline", sa.JSON, nullable=False),
)

sa.Table(
    "occupancies",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("resource_id", sa.ForeignKey("resources.id"), nullable=False, index=True),
    sa.Column("starts_at", MOMENT, nullable=False),
    sa.Column("ends_at", MOMENT, nullable=False),
    sa.Column("kind", sa.String(30), nullable=False),
    sa.Column("expires_at", MOMENT),
    sa.CheckConstraint("starts_at < ends_at", name="in_order"),
    sa.CheckConstraint("expires_at IS NULL OR kind = 'hold'", name="only_holds_expire"),
    sa.Index(
        "ix_occupancies_expires_at",
        "expires_at",
        sqlite_where=sa.text("expires_at IS NOT NULL"),
        postgresql_where=sa.text("expires_at IS NOT NULL"),
    ),
    sqlite_autoincrement=True,
)

sa.Table(
    "people",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(80), nullable=False, index=True),
    sa.Column("email", sa.String(254), nullable=False),
    sa.Column("password_hash", sa.String(200), nullable=False),
    sa.Column("language", sa.String(2), nullable=False),
    sa.Column("district_id", sa.ForeignKey("districts.id"), index=True),
    sa.Column("confirmed_at", MOMENT),
    sa.Column("verified_at", MOMENT),
    sa.Column("verified_by_id", sa.ForeignKey("people.id")),
    sa.Column("verified_method", sa.String(30)),
    sa.Column("created_at", MOMENT, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.CheckConstraint("(verified_at IS NULL) = (verified_method IS NULL)", name="verified_by_a_method"),
    sa.Index("ix_people_claimed_email", "email", "id"),
    sa.Index(
        "uq_people_email",
        "email",
        unique=True,
        sqlite_where=sa.text("confirmed_at IS NOT NULL"),
        postgresql_where=sa.text("confirmed_at IS NOT NULL"),
    ),
)

sa.Table(
    "resource_parts",
    metadata,
    sa.Column("resource_id", sa.ForeignKey("resources.id"), primary_key=True),
    sa.Column("part_id", sa.ForeignKey("resources.id"), primary_key=True),
    sa.Index("ix_resource_parts_part_id", "part_id", "resource_id"),
)

sa.Table(
    "api_tokens",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("person_id", sa.ForeignKey("people.id"), nullable=False, index=True),
    sa.Column("name", sa.String(80), nullable=False),
    sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("created_at", MOMENT, nullable=False),
    sa.Column("last_used_on", sa.Date),
    sa.Column("expires_at", MOMENT),
    sa.Column("revoked_at", MOMENT),
)

sa.Table(
    "building_points",
    metadata,
    sa.Column("building_id", sa.ForeignKey("buildings.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("point", Geometry("POINT", srid=4326), nullable=False),
)

sa.Table(
    "email_tokens",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("person_id", sa.ForeignKey("people.id"), nullable=False, index=True),
    sa.Column("purpose", sa.String(30), nullable=False),
    sa.Column("nonce", sa.String(64), nullable=False),
    sa.Column("email", sa.String(254), nullable=False),
    sa.Column("replaced", sa.String(254)),
    sa.Column("expires_at", MOMENT, nullable=False, index=True),
    sa.Column("used_at", MOMENT),
)

sa.Table(
    "occupied_spans",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("occupancy_id", sa.ForeignKey("occupancies.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("resource_id", sa.ForeignKey("resources.id"), nullable=False),
    sa.Column("starts_at", MOMENT, nullable=False),
    sa.Column("ends_at", MOMENT, nullable=False),
    sa.CheckConstraint("starts_at < ends_at", name="in_order"),
    sa.CheckConstraint(
        "(unixepoch(ends_at) - unixepoch(starts_at) <= 86400) IS TRUE AND starts_at GLOB '????-??-?? "
        "??:??:??.??????' AND ends_at GLOB '????-??-?? ??:??:??.??????'",
        name="one_piece",
    ).ddl_if(dialect="sqlite"),
    sa.CheckConstraint("ends_at - starts_at <= interval '24 hours'", name="one_piece").ddl_if(dialect="postgresql"),
    ExcludeConstraint(
        (sa.column("resource_id"), "="),
        (sa.text("tstzrange(starts_at, ends_at)"), "&&"),
        name="ex_occupied_spans_overlap",
    ).ddl_if(dialect="postgresql"),
    sa.Index("ix_occupied_spans_resource_id", "resource_id", "starts_at", "ends_at", "occupancy_id"),
    sa.Index("ix_occupied_spans_starts_at", "starts_at", "ends_at", "resource_id", "occupancy_id"),
)

sa.Table(
    "person_sessions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
    sa.Column("person_id", sa.ForeignKey("people.id"), nullable=False, index=True),
    sa.Column("created_at", MOMENT, nullable=False),
    sa.Column("seen_at", MOMENT, nullable=False, index=True),
    sa.Column("device", sa.String(60), nullable=False),
)

sa.Table(
    "role_grants",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("person_id", sa.ForeignKey("people.id"), nullable=False, index=True),
    sa.Column("role", sa.String(30), nullable=False, index=True),
    sa.Column("building_id", sa.ForeignKey("buildings.id"), index=True),
    sa.Column("department_id", sa.ForeignKey("departments.id"), index=True),
    sa.Column("granted_by_id", sa.ForeignKey("people.id")),
    sa.Column("granted_at", MOMENT, nullable=False),
    sa.CheckConstraint("(role = 'manager') = (building_id IS NOT NULL)", name="managers_of_a_building"),
    sa.CheckConstraint("(role = 'staff') = (department_id IS NOT NULL)", name="staff_of_a_department"),
    sa.Index(
        "uq_role_grants_building",
        "person_id",
        "building_id",
        unique=True,
        sqlite_where=sa.text("building_id IS NOT NULL"),
        postgresql_where=sa.text("building_id IS NOT NULL"),
    ),
    sa.Index(
        "uq_role_grants_department",
        "person_id",
        "department_id",
        unique=True,
        sqlite_where=sa.text("department_id IS NOT NULL"),
        postgresql_where=sa.text("department_id IS NOT NULL"),
    ),
    sa.Index(
        "uq_role_grants_role",
        "person_id",
        "role",
        unique=True,
        sqlite_where=sa.text("building_id IS NULL AND department_id IS NULL"),
        postgresql_where=sa.text("building_id IS NULL AND department_id IS NULL"),
    ),
)

sa.Table(
    "spaces",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("code", sa.String(100), unique=True),
    sa.Column("building_id", sa.ForeignKey("buildings.id"), nullable=False, index=True),
    sa.Column("resource_id", sa.ForeignKey("resources.id"), nullable=False, unique=True),
    sa.Column("part_of_id", sa.ForeignKey("spaces.id"), index=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("name_en", sa.String(200)),
    sa.Column("kind", sa.String(30), nullable=False),
    sa.Column("official_kind", sa.String(100), nullable=False),
    sa.Column("capacity", sa.Integer),
    sa.Column("area_m2", sa.Double),
    sa.Column("equipment", sa.JSON, nullable=False),
    sa.Column("about", sa.Text, nullable=False),
    sa.Column("closed_note", sa.Text, nullable=False),
    sa.Column("apply_note", sa.Text, nullable=False),
    sa.Column("source", sa.JSON, nullable=False),
    sa.Column("base_minutes", sa.Integer, nullable=False),
    sa.Column("base_fee", sa.Integer),
    sa.Column("extra_minutes", sa.Integer),
    sa.Column("extra_fee", sa.Integer),
    sa.Column("fee_note", sa.Text, nullable=False),
    sa.Column("min_minutes", sa.Integer, nullable=False),
    sa.Column("max_minutes", sa.Integer, nullable=False),
    sa.Column("raster_minutes", sa.Integer, nullable=False),
    sa.Column("before_minutes", sa.Integer, nullable=False),
    sa.Column("after_minutes", sa.Integer, nullable=False),
    sa.Column("notice_days", sa.Integer, nullable=False),
    sa.Column("horizon_days", sa.Integer, nullable=False),
    sa.Column("by_request", sa.Boolean, nullable=False),
    sa.Column("answer_days", sa.Integer, nullable=False),
    sa.Column("cancel_hours", sa.Integer, nullable=False),
    sa.Column("house_rules", sa.Text, nullable=False),
    sa.Column("open", sa.Boolean, nullable=False, index=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.CheckConstraint("before_minutes >= 0 AND after_minutes >= 0", name="buffers_not_negative"),
    sa.CheckConstraint("capacity > 0", name="capacity_positive"),
    sa.CheckConstraint("min_minutes > 0 AND max_minutes >= min_minutes", name="durations_in_order"),
    sa.CheckConstraint("base_fee >= 0", name="fee_not_negative"),
    sa.CheckConstraint("raster_minutes > 0 AND base_minutes > 0", name="steps_positive"),
    sa.CheckConstraint("notice_days >= 0 AND horizon_days >= notice_days", name="window_in_order"),
)

sa.Table(
    "bookings",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("reference", sa.String(12), nullable=False, unique=True),
    sa.Column("space_id", sa.ForeignKey("spaces.id"), nullable=False),
    sa.Column("person_id", sa.ForeignKey("people.id"), nullable=False, index=True),
    sa.Column("occupancy_id", sa.ForeignKey("occupancies.id", ondelete="SET NULL"), unique=True),
    sa.Column("starts_at", MOMENT, nullable=False),
    sa.Column("ends_at", MOMENT, nullable=False),
    sa.Column("state", sa.String(30), nullable=False),
    sa.Column("held_until", MOMENT),
    sa.Column("people", sa.Integer),
    sa.Column("purpose", sa.String(500), nullable=False),
    sa.Column("fee", sa.Integer),
    sa.Column("due_at", MOMENT),
    sa.Column("reason", sa.String(500), nullable=False),
    sa.Column("decided_by_id", sa.ForeignKey("people.id")),
    sa.Column("created_at", MOMENT, nullable=False),
    sa.Column("changed", sa.Integer, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.CheckConstraint("state NOT IN ('requested', 'confirmed') OR occupancy_id IS NOT NULL", name="agreed_is_held"),
    sa.CheckConstraint("ends_at > starts_at", name="in_order"),
    sa.CheckConstraint("people > 0", name="people_positive"),
    sa.Index("ix_bookings_space_id_starts_at", "space_id", "starts_at"),
    sa.Index("ix_bookings_state_held_until", "state", "held_until"),
)

sa.Table(
    "space_closed_days",
    metadata,
    sa.Column("space_id", sa.ForeignKey("spaces.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("weekday", sa.Integer, primary_key=True),
    sa.Column("nth", sa.Integer, primary_key=True),
    sa.CheckConstraint("weekday BETWEEN 0 AND 6 AND nth BETWEEN 1 AND 5", name="exists"),
)

sa.Table(
    "space_closures",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("space_id", sa.ForeignKey("spaces.id"), nullable=False, index=True),
    sa.Column("occupancy_id", sa.ForeignKey("occupancies.id"), nullable=False, unique=True),
    sa.Column("starts_at", MOMENT, nullable=False),
    sa.Column("ends_at", MOMENT, nullable=False),
    sa.Column("reason", sa.String(500), nullable=False),
    sa.Column("made_by_id", sa.ForeignKey("people.id"), nullable=False),
)

sa.Table(
    "space_features",
    metadata,
    sa.Column("space_id", sa.ForeignKey("spaces.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("feature", sa.String(30), primary_key=True),
)

sa.Table(
    "space_hours",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("space_id", sa.ForeignKey("spaces.id", ondelete="CASCADE"), nullable=False),
    sa.Column("weekday", sa.Integer, nullable=False),
    sa.Column("opens", sa.Integer, nullable=False),
    sa.Column("closes", sa.Integer, nullable=False),
    sa.CheckConstraint("0 <= opens AND opens < closes AND closes <= 1440", name="in_order"),
    sa.CheckConstraint("weekday BETWEEN 0 AND 7", name="weekday"),
    sa.Index("ix_space_hours_space_id", "space_id"),
    sa.Index("ix_space_hours_weekday_space_id", "weekday", "space_id"),
)

NO_OVERLAP = """
    BEGIN
      SELECT RAISE(ABORT, 'ex_occupied_spans_overlap')
      WHERE NEW.starts_at < (
        SELECT ends_at FROM occupied_spans
        WHERE resource_id = NEW.resource_id AND starts_at < NEW.ends_at{others}
        ORDER BY starts_at DESC LIMIT 1
      );
    END
"""

SQL = {
    "sqlite": (
        "CREATE TRIGGER ex_occupied_spans_overlap_insert BEFORE INSERT ON occupied_spans"
        + NO_OVERLAP.format(others=""),
        "CREATE TRIGGER ex_occupied_spans_overlap_update"
        " BEFORE UPDATE OF id, resource_id, starts_at, ends_at ON occupied_spans"
        + NO_OVERLAP.format(others=" AND id <> OLD.id"),
        """
        CREATE TRIGGER audit_entries_no_update BEFORE UPDATE ON audit_entries
        BEGIN SELECT RAISE(ABORT, 'audit_entries_append_only'); END
        """,
        """
        CREATE TRIGGER audit_entries_no_delete BEFORE DELETE ON audit_entries
        BEGIN SELECT RAISE(ABORT, 'audit_entries_append_only'); END
        """,
        """
        CREATE TRIGGER audit_entries_no_replace BEFORE INSERT ON audit_entries
        WHEN EXISTS (SELECT 1 FROM audit_entries WHERE id = NEW.id OR previous = NEW.previous)
        BEGIN SELECT RAISE(ABORT, 'audit_entries_append_only'); END
        """,
        """
        CREATE VIRTUAL TABLE search_words USING fts5(
          tokens, content='search_documents', content_rowid='id', tokenize='ascii', detail='none')
        """,
        """
        CREATE TRIGGER search_documents_added AFTER INSERT ON search_documents
        BEGIN INSERT INTO search_words (rowid, tokens) VALUES (NEW.id, NEW.tokens); END
        """,
        """
        CREATE TRIGGER search_documents_removed AFTER DELETE ON search_documents
        BEGIN INSERT INTO search_words (search_words, rowid, tokens) VALUES ('delete', OLD.id, OLD.tokens); END
        """,
        """
        CREATE TRIGGER search_documents_changed AFTER UPDATE ON search_documents
        BEGIN
          INSERT INTO search_words (search_words, rowid, tokens) VALUES ('delete', OLD.id, OLD.tokens);
          INSERT INTO search_words (rowid, tokens) VALUES (NEW.id, NEW.tokens);
        END
        """,
    ),
    "postgresql": (
        """
        CREATE FUNCTION audit_entries_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          RAISE EXCEPTION 'audit_entries_append_only' USING ERRCODE = 'integrity_constraint_violation';
        END $$
        """,
        """
        CREATE TRIGGER audit_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries
        FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_append_only()
        """,
        """
        CREATE INDEX ix_search_documents_words ON search_documents
        USING gin (array_to_tsvector(string_to_array(tokens, ' '))) WITH (fastupdate = off)
        """,
    ),
}

BEFORE_DROP = {"sqlite": "DROP TABLE search_words", "postgresql": "DROP FUNCTION audit_entries_append_only CASCADE"}


def upgrade() -> None:
    connection = op.get_bind()
    db.prepare(connection)
    metadata.create_all(connection, checkfirst=False)
    for statement in SQL[connection.dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    connection = op.get_bind()
    op.execute(BEFORE_DROP[connection.dialect.name])
    metadata.drop_all(connection, checkfirst=False)
