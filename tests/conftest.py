"""What every test stands on: a real database, rolled back after each test, and a browser-like client."""

import json
import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer

from marketplace import create_app
from marketplace.kernel import clock, db, jobs, words
from marketplace.settings import Settings

KIND = os.environ.get("TEST_DATABASE", "sqlite")
CLUSTER = os.environ.get("TEST_POSTGRES_URL", "")
hypothesis.settings.register_profile("unhurried", deadline=None)  # no test fails for a machine that is busy
hypothesis.settings.load_profile("unhurried")

MONDAY = datetime(2027, 3, 1, 0, 0, tzinfo=UTC)
"""Monday 1 March 2027, 09:00 in Seoul: the moment at which every test begins. (1 March is a Korean holiday.)"""


def new_database(folder: Path) -> str:
    """The URL of an empty database of the kind under test."""
    if KIND == "sqlite":
        return f"sqlite:///{folder / uuid.uuid4().hex}.db"
    name = f"t_{uuid.uuid4().hex}"
    with sa.create_engine(CLUSTER, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool).connect() as server:
        server.execute(sa.text(f'CREATE DATABASE "{name}" TEMPLATE template0'))
    return sa.make_url(CLUSTER).set(database=name).render_as_string(hide_password=False)


def copy_of(url: str, folder: Path) -> str:
    """The URL of a copy of a database that nobody is connected to."""
    if KIND == "sqlite":
        source = Path(str(sa.make_url(url).database))
        return f"sqlite:///{shutil.copy(source, folder / f'{uuid.uuid4().hex}.db')}"
    name, source_name = f"t_{uuid.uuid4().hex}", sa.make_url(url).database
    with sa.create_engine(CLUSTER, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool).connect() as server:
        server.execute(sa.text(f'CREATE DATABASE "{name}" TEMPLATE "{source_name}"'))
    return sa.make_url(CLUSTER).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def template_url(tmp_path_factory: pytest.TempPathFactory, settings: Settings) -> str:
    """A database with every table and no rows, to copy."""
    create_app(settings)  # imports every feature's tables
    url = new_database(tmp_path_factory.mktemp("template"))
    engine = db.make_engine(url)
    with engine.begin() as connection:
        db.create_all(connection)
    if KIND == "sqlite":
        with engine.connect() as connection:
            connection.execution_options(read_only=True).exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA journal_mode = DELETE")
    engine.dispose()
    return url


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The settings of the city under test."""
    folder = tmp_path_factory.mktemp("data")
    return Settings(
        maeul_env="test",
        data_dir=folder,
        database_url=f"sqlite:///{folder / 'unused.db'}",
        secret_key="for tests only " * 3,
        base_url="http://localhost",
    )


@pytest.fixture(scope="session")
def app(settings: Settings, template_url: str) -> Flask:
    """The application, shared by all tests of a process."""
    return create_app(settings)


@pytest.fixture(scope="session")
def engine(template_url: str, tmp_path_factory: pytest.TempPathFactory, app: Flask) -> Iterator[sa.Engine]:
    """One database for the tests of this process."""
    made = db.make_engine(copy_of(template_url, tmp_path_factory.mktemp("database")))
    yield made
    made.dispose()


@pytest.fixture(autouse=True)
def database(request: pytest.FixtureRequest) -> Iterator[None]:
    """A transaction around the test, undone at its end; not for tests marked `no_database` or with a live one."""
    if "live_database" in request.fixturenames or request.node.get_closest_marker("no_database"):
        yield
        return
    engine: sa.Engine = request.getfixturevalue("engine")
    with engine.connect() as connection:
        outer = connection.begin()
        db.bind(connection)
        yield
        db.session.remove()
        outer.rollback()


@pytest.fixture
def live_database(template_url: str, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh database that keeps what is committed, for tests with several processes."""
    url = copy_of(template_url, tmp_path)
    engine = db.connect(url)
    yield url
    db.session.remove()
    engine.dispose()


@pytest.fixture(autouse=True)
def monday() -> Iterator[Callable[[datetime], None]]:
    """The clock stands at MONDAY; call the fixture to go to another moment."""
    with ExitStack() as stack:
        stack.enter_context(clock.frozen(MONDAY))
        words.language.set("en")
        yield lambda moment: stack.enter_context(clock.frozen(moment))


class Browser(FlaskClient):
    """A test client that fills in a page's CSRF token as a browser would."""

    def open(self, *args: Any, **kwargs: Any):
        """Ask for a page, which finds what the test has made so far."""
        db.session.commit()
        return super().open(*args, **kwargs)

    def session_transaction(self, *args: Any, **kwargs: Any):
        """What the browser's cookie holds; what the test has made so far outlives the look."""
        db.session.commit()
        return super().session_transaction(*args, **kwargs)

    def token(self) -> str:
        """A token that fits this browser's session."""
        with self.session_transaction() as session:
            raw = session.setdefault("csrf_token", uuid.uuid4().hex)
        signer = URLSafeTimedSerializer(self.application.secret_key, salt="wtf-csrf-token")  # type: ignore[arg-type]
        return str(signer.dumps(raw))

    def send(self, path: str, **fields: object):
        """Post a form."""
        return self.post(path, data={"csrf_token": self.token(), **fields})

    def linked(self, path: str) -> Any:
        """What search engines read of a page (schema.org); None where there is nothing for them."""
        found = re.findall(r'<script type="application/ld\+json" nonce="[^"]+">(.*?)</script>', self.get(path).text)
        return json.loads(found[0]) if found else None

    def items(self, path: str, headers: dict[str, str] | None = None, **asked: object) -> list[Any]:
        """Every item of a list for programs, part after part."""
        found: list[Any] = []
        cursor: str | None = ""
        while cursor is not None:
            more = {"cursor": cursor} if cursor else {}
            answer = self.get(path, query_string={**asked, **more}, headers=headers)
            assert answer.status_code == 200, answer.text
            part = answer.get_json()
            found, cursor = found + part["items"], part["next"]
            assert ("Link" in answer.headers) == bool(cursor)
            assert part["items"] or cursor is None
        return found


@pytest.fixture
def browser(app: Flask) -> Browser:
    """Someone at the site, not signed in."""
    app.test_client_class = Browser
    return app.test_client()  # type: ignore[return-value]


@pytest.fixture
def statements() -> Callable[[], AbstractContextManager[list[str]]]:
    """Collects the SQL statements of a block, savepoints aside."""

    @contextmanager
    def watch() -> Iterator[list[str]]:
        seen: list[str] = []

        def note(_connection, _cursor, statement, *_):
            if "SAVEPOINT" not in statement:
                seen.append(statement)

        bind = db.session.get_bind()
        sa.event.listen(bind, "before_cursor_execute", note)
        yield seen
        sa.event.remove(bind, "before_cursor_execute", note)

    return watch


@pytest.fixture
def letters(settings: Settings) -> Callable[[], list[str]]:
    """Do the waiting jobs and read the letters they wrote, oldest first."""
    folder = settings.data_dir / "mailbox"
    shutil.rmtree(folder, ignore_errors=True)

    def read() -> list[str]:
        jobs.run_pending()
        return [file.read_text() for file in sorted(folder.glob("*.eml"))]

    return read
