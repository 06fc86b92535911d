"""Counting what a page asks of the database."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
import sqlalchemy as sa

from marketplace.kernel import db


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
