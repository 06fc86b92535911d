"""The migrations make what the models say, there and back, on the database under test."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

import marketplace
from marketplace.kernel import db
from marketplace.web import schema, serving
from tests.conftest import new_database

PACKAGE = Path(marketplace.__file__).parent

SQLITE = """
    SELECT type || ' ' || name, sql FROM sqlite_master WHERE name NOT LIKE '%alembic%'
    UNION ALL
    SELECT 'geometry ' || f_table_name || '.' || f_geometry_column,
           geometry_type || ' ' || coord_dimension || ' ' || srid || ' ' || spatial_index_enabled
    FROM geometry_columns
"""
POSTGRESQL = """
    SELECT concat('column ', attrelid::regclass, '.', attname),
           concat(format_type(atttypid, atttypmod), ' ', attnotnull, ' ', pg_get_expr(adbin, adrelid))
    FROM pg_attribute
    JOIN pg_class ON pg_class.oid = attrelid
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'S') AND attnum > 0 AND NOT attisdropped
      AND relname <> 'alembic_version'
    UNION ALL
    SELECT concat('constraint ', conrelid::regclass, ' ', conname), pg_get_constraintdef(oid)
    FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND conrelid <> 0 AND conname NOT LIKE 'alembic%'
    UNION ALL
    SELECT 'index ' || indexname, indexdef FROM pg_indexes
    WHERE schemaname = 'public' AND tablename <> 'alembic_version'
    UNION ALL
    SELECT concat('trigger ', tgrelid::regclass, ' ', tgname), pg_get_triggerdef(oid) FROM pg_trigger
    WHERE NOT tgisinternal
    UNION ALL
    SELECT 'function ' || oid::regprocedure, pg_get_functiondef(oid) FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace AND prokind IN ('f', 'p')
"""


@pytest.fixture
def engines(tmp_path):
    """Engines of new databases, as many as are asked for."""
    made = []

    def make():
        made.append(db.make_engine(new_database(tmp_path), poolclass=sa.NullPool))
        return made[-1]

    yield make
    for engine in made:
        engine.dispose()


@pytest.fixture
def ground(engines):
    """What SpatiaLite or PostGIS brings along."""
    engine = engines()
    with engine.begin() as connection:
        db.prepare(connection)
    return described(engine)


@pytest.fixture
def modelled(engines, ground):
    """The schema that the models of every feature make."""
    for file in (*PACKAGE.rglob("models.py"), *PACKAGE.rglob("models/*.py")):
        import_module(".".join((PACKAGE.name, *file.relative_to(PACKAGE).with_suffix("").parts)))
    engine = engines()
    with engine.begin() as connection:
        db.create_all(connection)
    return without(ground, described(engine))


def described(engine):
    """Everything a database holds but rows: what it is called and how it is defined."""
    query = SQLITE if engine.dialect.name == "sqlite" else POSTGRESQL
    with engine.connect() as connection:
        return {name: normal(definition or "") for name, definition in connection.execute(sa.text(query))}


def normal(definition):
    """SQL without quotes and spacing, the parts of a table in order of the alphabet."""
    text = re.sub(r"\s+", " ", definition.replace('"', "")).strip()
    text = re.sub(r"\s*([(),;])\s*", r"\1", text)
    if not text.startswith("CREATE TABLE"):
        return text
    head, _, body = text.partition("(")
    parts, depth = [""], 0
    for character in body.removesuffix(")"):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return f"{head}({', '.join(sorted(parts))})"


def without(ground, everything):
    return {name: definition for name, definition in everything.items() if name not in ground}


def url_of(engine):
    return engine.url.render_as_string(hide_password=False)


def test_the_migrations_make_what_the_models_say(engines, ground, modelled):
    engine = engines()

    schema.upgrade(url_of(engine))

    assert without(ground, described(engine)) == modelled


def test_the_way_back_leaves_nothing_and_the_way_forward_is_the_same_again(engines, ground):
    engine = engines()
    schema.upgrade(url_of(engine))
    first = described(engine)

    schema.downgrade(url_of(engine), "base")
    assert without(ground, described(engine)) == {}

    schema.upgrade(url_of(engine))
    assert described(engine) == first


def test_migrations_are_numbered_and_follow_each_other_in_one_line():
    revisions = list(ScriptDirectory(str(schema.MIGRATIONS)).walk_revisions())
    numbers = [f"{number:04}" for number in range(1, len(revisions) + 1)]

    assert [revision.revision for revision in reversed(revisions)] == schema.numbers() == numbers
    assert [revision.down_revision for revision in reversed(revisions)] == [None, *numbers[:-1]]
    assert schema.head() == numbers[-1]


def test_an_upgrade_says_whether_the_database_was_new(engines):
    engine = engines()

    assert not schema.at_head(engine)
    assert schema.upgrade(url_of(engine)) is True
    assert schema.upgrade(url_of(engine)) is False
    assert schema.at_head(engine)


def test_of_two_upgrades_at_once_one_does_it(engines):
    url = url_of(engines())

    with ThreadPoolExecutor(1) as beside:
        other = beside.submit(schema.upgrade, url)
        own = schema.upgrade(url)

    assert sorted([own, other.result()]) == [False, True]


def test_an_upgrade_that_fails_leaves_the_database_as_it_was(engines):
    engine = engines()
    with engine.begin() as connection:
        db.prepare(connection)
        connection.execute(sa.text("CREATE TABLE space_hours (in_the_way INTEGER)"))
    before = described(engine)

    with pytest.raises(sa.exc.DBAPIError):
        schema.upgrade(url_of(engine))

    assert described(engine) == before


def test_a_database_that_is_not_at_head_is_refused_with_what_to_do(engines):
    engine = engines()

    with pytest.raises(schema.WrongSchema, match=r"The database is new.*flask --app wsgi db upgrade"):
        schema.require_head(url_of(engine))

    schema.upgrade(url_of(engine))
    schema.require_head(url_of(engine))


def test_the_web_server_does_not_start_on_a_database_that_is_not_at_head(engines, settings, monkeypatch):
    monkeypatch.delenv("PREPARE", raising=False)
    app = SimpleNamespace(extensions={"settings": replace(settings, database_url=url_of(engines()))})

    with pytest.raises(SystemExit, match="flask --app wsgi db upgrade"):
        serving.on_starting(SimpleNamespace(app=SimpleNamespace(wsgi=lambda: app)))


def test_a_database_made_by_a_newer_program_is_refused(engines):
    engine = engines()
    schema.upgrade(url_of(engine))
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

    for refused in (schema.require_head, schema.upgrade):
        with pytest.raises(schema.WrongSchema, match="newer program"):
            refused(url_of(engine))


def test_there_is_no_way_back_to_an_unknown_version(engines):
    with pytest.raises(schema.WrongSchema, match=r"There are: base, 0001"):
        schema.downgrade(url_of(engines()), "0000")
