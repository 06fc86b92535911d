"""Home share: who applies, what was checked, runs of the pairing, and matches."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"

MOMENT = sa.DateTime(timezone=True)


GOING_ON = "state IN ('proposed', 'meeting', 'agreeing', 'trial', 'living')"
ROOM_FOR_ALL = "homeshare_matches_room_for_all"
SIDES = (
    "(SELECT count(*) FROM homeshare_applications WHERE id = NEW.student_id AND side = 'student')"
    " + (SELECT count(*) FROM homeshare_applications WHERE id = NEW.home_id AND side = 'host') < 2"
)
KEPT = "(SELECT sum(people) FROM homeshare_matches WHERE home_id = NEW.home_id AND id <> NEW.id AND {going_on})"
ROOMS = "(SELECT rooms FROM homeshare_applications WHERE id = NEW.home_id)"
TAKEN = f"coalesce({KEPT.format(going_on=GOING_ON)}, 0)"
TOO_MANY = f"NEW.{GOING_ON} AND ({SIDES} OR {TAKEN} + NEW.people > {ROOMS})"
RAISE = f"RAISE EXCEPTION '{ROOM_FOR_ALL}' USING ERRCODE = 'integrity_constraint_violation'"
GUARDS = {
    "sqlite": tuple(
        f"CREATE TRIGGER {ROOM_FOR_ALL}_{when.lower()} AFTER {when} ON homeshare_matches WHEN {TOO_MANY}"
        f" BEGIN SELECT RAISE(ABORT, '{ROOM_FOR_ALL}'); END"
        for when in ("INSERT", "UPDATE")
    ),
    "postgresql": (
        f"CREATE FUNCTION {ROOM_FOR_ALL}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " PERFORM 1 FROM homeshare_applications WHERE id = NEW.home_id FOR UPDATE;"
        f" IF {TOO_MANY} THEN {RAISE}; END IF; RETURN NEW; END $$",
        f"CREATE TRIGGER {ROOM_FOR_ALL} BEFORE INSERT OR UPDATE ON homeshare_matches"
        f" FOR EACH ROW EXECUTE FUNCTION {ROOM_FOR_ALL}()",
    ),
}
OVERRIDES = {
    "has_a_reason": "length(trim(reason)) > 0",
    "two_people": "second_id <> by_id",
    "seconded_by_someone": "(second_id IS NULL) = (seconded_at IS NULL)",
    "only_pins_break_rules": "kind = 'pin' OR broken = ''",
    "vetting_is_never_set_aside": " AND ".join(
        f"broken NOT LIKE '%{code}%'"
        for code in ("student_adult", "host_eligible", "student_checks", "home_checks", "kept_apart")
    ),
}


def key(table: str, column: str, to: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    """A foreign key, named as the models name it."""
    return sa.ForeignKeyConstraint([column], [to], name=f"fk_homeshare_{table}_{column}", ondelete=ondelete)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "homeshare_campuses",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("name_en", sa.String(120), nullable=False),
        sa.Column("latitude", sa.Double, nullable=False),
        sa.Column("longitude", sa.Double, nullable=False),
        sa.CheckConstraint(
            "latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180",
            name=op.f("ck_homeshare_campuses_on_earth"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_homeshare_campuses"),
        sa.UniqueConstraint("name", name="uq_homeshare_campuses_name"),
    )
    op.create_table(
        "homeshare_applications",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("reference", sa.String(12), nullable=False),
        sa.Column("side", sa.String(30), nullable=False),
        sa.Column("person_id", sa.Integer, nullable=False),
        sa.Column("entered_by_id", sa.Integer),
        sa.Column("channel", sa.String(30)),
        sa.Column("state", sa.String(30), nullable=False),
        sa.Column("answers", sa.JSON, nullable=False),
        sa.Column("people", sa.Integer, nullable=False),
        sa.Column("rooms", sa.Integer, nullable=False),
        sa.Column("campus_id", sa.Integer),
        sa.Column("cell", sa.BigInteger),
        sa.Column("district_id", sa.Integer),
        sa.Column("address", sa.String(2000), nullable=False),
        sa.Column("phone", sa.String(500), nullable=False),
        sa.Column("needed_by", sa.Date),
        sa.Column("coordinator_id", sa.Integer),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("touched_at", MOMENT, nullable=False),
        sa.Column("sent_at", MOMENT),
        sa.Column("waiting_since", MOMENT),
        sa.Column("closed_at", MOMENT),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint(
            "(state = 'closed') = (closed_at IS NOT NULL)", name=op.f("ck_homeshare_applications_closed")
        ),
        sa.CheckConstraint(
            "state <> 'open' OR waiting_since IS NOT NULL", name=op.f("ck_homeshare_applications_waits_since")
        ),
        sa.CheckConstraint(
            "state = 'draft' OR state = 'closed' OR sent_at IS NOT NULL", name=op.f("ck_homeshare_applications_sent")
        ),
        sa.CheckConstraint(
            "(entered_by_id IS NULL) = (channel IS NULL)", name=op.f("ck_homeshare_applications_came_by_a_channel")
        ),
        sa.CheckConstraint(
            "people BETWEEN 1 AND 2 AND rooms BETWEEN 1 AND 3", name=op.f("ck_homeshare_applications_sizes")
        ),
        sa.ForeignKeyConstraint(["campus_id"], ["homeshare_campuses.id"], name="fk_homeshare_applications_campus_id"),
        sa.ForeignKeyConstraint(["coordinator_id"], ["people.id"], name="fk_homeshare_applications_coordinator_id"),
        sa.ForeignKeyConstraint(["district_id"], ["districts.id"], name="fk_homeshare_applications_district_id"),
        sa.ForeignKeyConstraint(["entered_by_id"], ["people.id"], name="fk_homeshare_applications_entered_by_id"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_homeshare_applications_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_homeshare_applications"),
        sa.UniqueConstraint("reference", name="uq_homeshare_applications_reference"),
    )
    op.create_index("ix_homeshare_applications_campus_id", "homeshare_applications", ["campus_id"])
    op.create_index("ix_homeshare_applications_coordinator_id", "homeshare_applications", ["coordinator_id"])
    op.create_index("ix_homeshare_applications_district_id", "homeshare_applications", ["district_id"])
    op.create_index("ix_homeshare_applications_person_id", "homeshare_applications", ["person_id"])
    op.create_index("ix_homeshare_applications_state_side", "homeshare_applications", ["state", "side"])
    op.create_index("ix_homeshare_applications_touched_at", "homeshare_applications", ["touched_at"])
    op.create_index(
        "uq_homeshare_applications_live",
        "homeshare_applications",
        ["person_id", "side"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "homeshare_runs",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("state", sa.String(30), nullable=False),
        sa.Column("at_once", sa.Boolean, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("seed", sa.String(60), nullable=False),
        sa.Column("commitment", sa.String(64), nullable=False),
        sa.Column("next_seed", sa.String(60), nullable=False),
        sa.Column("next_commitment", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("code_version", sa.String(80), nullable=False),
        sa.Column("exact", sa.Boolean, nullable=False),
        sa.Column("last_level", sa.String(20)),
        sa.Column("market", sa.JSON, nullable=False),
        sa.Column("outcome", sa.JSON, nullable=False),
        sa.Column("facts", sa.JSON),
        sa.Column("changes", sa.JSON, nullable=False),
        sa.Column("left_out", sa.JSON, nullable=False),
        sa.Column("released_at", MOMENT),
        sa.Column("released_by_id", sa.Integer),
        sa.CheckConstraint("(state = 'released') = (released_at IS NOT NULL)", name=op.f("ck_homeshare_runs_released")),
        sa.CheckConstraint(
            "(released_at IS NULL) = (released_by_id IS NULL)", name=op.f("ck_homeshare_runs_released_by_someone")
        ),
        sa.ForeignKeyConstraint(["released_by_id"], ["people.id"], name="fk_homeshare_runs_released_by_id"),
        sa.PrimaryKeyConstraint("id", name="pk_homeshare_runs"),
    )
    op.create_index("ix_homeshare_runs_made_at", "homeshare_runs", ["made_at"])
    op.create_index("ix_homeshare_runs_released_by_id", "homeshare_runs", ["released_by_id"])
    op.create_table(
        "homeshare_checks",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("application_id", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(30), nullable=False),
        sa.Column("of_second", sa.Boolean, nullable=False),
        sa.Column("passed", sa.Boolean, nullable=False),
        sa.Column("checked_on", sa.Date, nullable=False),
        sa.Column("good_until", sa.Date),
        sa.Column("method", sa.String(200), nullable=False),
        sa.Column("note", sa.String(8000), nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("by_id", sa.Integer, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("withdrawn_at", MOMENT),
        sa.Column("warned_at", MOMENT),
        sa.CheckConstraint("good_until >= checked_on", name=op.f("ck_homeshare_checks_in_order")),
        sa.CheckConstraint("passed = (good_until IS NOT NULL)", name=op.f("ck_homeshare_checks_holds_until")),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["homeshare_applications.id"],
            name="fk_homeshare_checks_application_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["by_id"], ["people.id"], name="fk_homeshare_checks_by_id"),
        sa.PrimaryKeyConstraint("id", name="pk_homeshare_checks"),
    )
    op.create_index("ix_homeshare_checks_application_id_kind", "homeshare_checks", ["application_id", "kind"])
    op.create_index("ix_homeshare_checks_by_id", "homeshare_checks", ["by_id"])
    op.create_index("ix_homeshare_checks_good_until", "homeshare_checks", ["good_until"])
    op.create_table(
        "homeshare_matches",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("reference", sa.String(12), nullable=False),
        sa.Column("student_id", sa.Integer, nullable=False),
        sa.Column("home_id", sa.Integer, nullable=False),
        sa.Column("people", sa.Integer, nullable=False),
        sa.Column("run_id", sa.Integer),
        sa.Column("state", sa.String(30), nullable=False),
        sa.Column("card", sa.JSON, nullable=False),
        sa.Column("proposed_at", MOMENT, nullable=False),
        sa.Column("answer_by", MOMENT, nullable=False),
        sa.Column("student_answer", sa.String(30)),
        sa.Column("host_answer", sa.String(30)),
        sa.Column("student_answered_at", MOMENT),
        sa.Column("host_answered_at", MOMENT),
        sa.Column("moved_in_on", sa.Date),
        sa.Column("trial_until", sa.Date),
        sa.Column("ended_at", MOMENT),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint(
            "(state IN ('proposed', 'meeting', 'agreeing', 'trial', 'living')) = (ended_at IS NULL)",
            name=op.f("ck_homeshare_matches_ended"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('meeting', 'agreeing', 'trial', 'living')"
            " OR (coalesce(student_answer, '') = 'yes' AND coalesce(host_answer, '') = 'yes')",
            name=op.f("ck_homeshare_matches_two_yeses"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('trial', 'living')"
            " OR (moved_in_on IS NOT NULL AND trial_until IS NOT NULL AND trial_until >= moved_in_on)",
            name=op.f("ck_homeshare_matches_moved_in"),
        ),
        sa.CheckConstraint(
            "(host_answer IS NULL) = (host_answered_at IS NULL)", name=op.f("ck_homeshare_matches_host_answered")
        ),
        sa.CheckConstraint(
            "(student_answer IS NULL) = (student_answered_at IS NULL)",
            name=op.f("ck_homeshare_matches_student_answered"),
        ),
        sa.CheckConstraint(
            "student_id <> home_id AND people BETWEEN 1 AND 2", name=op.f("ck_homeshare_matches_two_sides")
        ),
        sa.ForeignKeyConstraint(["home_id"], ["homeshare_applications.id"], name="fk_homeshare_matches_home_id"),
        sa.ForeignKeyConstraint(["run_id"], ["homeshare_runs.id"], name="fk_homeshare_matches_run_id"),
        sa.ForeignKeyConstraint(["student_id"], ["homeshare_applications.id"], name="fk_homeshare_matches_student_id"),
        sa.PrimaryKeyConstraint("id", name="pk_homeshare_matches"),
        sa.UniqueConstraint("reference", name="uq_homeshare_matches_reference"),
    )
    op.create_index("ix_homeshare_matches_home_id", "homeshare_matches", ["home_id"])
    op.create_index("ix_homeshare_matches_run_id", "homeshare_matches", ["run_id"])
    op.create_index("ix_homeshare_matches_state_answer_by", "homeshare_matches", ["state", "answer_by"])
    op.create_index("ix_homeshare_matches_student_id", "homeshare_matches", ["student_id"])
    op.create_index(
        "uq_homeshare_matches_student",
        "homeshare_matches",
        ["student_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('proposed', 'meeting', 'agreeing', 'trial', 'living')"),
        postgresql_where=sa.text("state IN ('proposed', 'meeting', 'agreeing', 'trial', 'living')"),
    )
    _runs()
    for statement in GUARDS[op.get_bind().dialect.name]:
        op.execute(statement)


def _runs() -> None:
    op.create_table(
        "homeshare_run_people",
        sa.Column("run_id", sa.Integer, nullable=False),
        sa.Column("number", sa.String(12), nullable=False),
        sa.Column("application_id", sa.Integer, nullable=False),
        key("run_people", "run_id", "homeshare_runs.id", ondelete="CASCADE"),
        key("run_people", "application_id", "homeshare_applications.id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "number", name="pk_homeshare_run_people"),
        sa.UniqueConstraint("run_id", "application_id", name="uq_homeshare_run_people_run_id_application_id"),
    )
    op.create_index("ix_homeshare_run_people_application_id", "homeshare_run_people", ["application_id"])
    op.create_table(
        "homeshare_overrides",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(30), nullable=False),
        sa.Column("student_id", sa.Integer, nullable=False),
        sa.Column("home_id", sa.Integer, nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("broken", sa.String(400), nullable=False),
        sa.Column("until", sa.Date),
        sa.Column("by_id", sa.Integer, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("second_id", sa.Integer),
        sa.Column("seconded_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        *(sa.CheckConstraint(text, name=op.f(f"ck_homeshare_overrides_{name}")) for name, text in OVERRIDES.items()),
        key("overrides", "student_id", "homeshare_applications.id", ondelete="CASCADE"),
        key("overrides", "home_id", "homeshare_applications.id", ondelete="CASCADE"),
        key("overrides", "by_id", "people.id"),
        key("overrides", "second_id", "people.id"),
        sa.PrimaryKeyConstraint("id", name="pk_homeshare_overrides"),
    )
    for column in ("student_id", "home_id", "by_id", "second_id"):
        op.create_index(f"ix_homeshare_overrides_{column}", "homeshare_overrides", [column])
    in_force = sa.text("ended_at IS NULL")
    op.create_index(
        "uq_homeshare_overrides_in_force", "homeshare_overrides", ["student_id", "home_id"], unique=True,
        sqlite_where=in_force, postgresql_where=in_force,
    )  # fmt: skip


def downgrade() -> None:
    """Take them away again."""
    for table in ("overrides", "run_people", "matches", "checks", "runs", "applications", "campuses"):
        op.drop_table(f"homeshare_{table}")
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"DROP FUNCTION {ROOM_FOR_ALL}()")
