"""Writing many records quickly: their numbers are given out here, so that the same seed makes the same rows."""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import sqlalchemy as sa

from marketplace.kernel import db
from marketplace.kernel.references import LETTERS

_SCRAMBLE, _SHIFT = 405_493_120_117, 271_828_182_845
"""A number coprime to the base of references makes consecutive numbers look random and none the same."""


def numbers(table: Any) -> Iterator[int]:
    """The next free ids of a table, or of a model's table."""
    key = sa.inspect(table).columns["id"] if not isinstance(table, sa.Table) else table.c.id
    return count((db.session.scalar(sa.select(sa.func.max(key))) or 0) + 1)


def reference(number: int, length: int = 8) -> str:
    """The name of a record that people can read out, of another look for each number."""
    left = (number * _SCRAMBLE + _SHIFT) % len(LETTERS) ** length
    letters = []
    for _ in range(length):
        left, letter = divmod(left, len(LETTERS))
        letters.append(LETTERS[letter])
    return "".join(reversed(letters))


def write(records: Sequence[db.Base]) -> None:
    """Insert records of one kind; what one of them does not say is the column's default."""
    if not records:
        return
    mapper: Any = sa.inspect(type(records[0]))
    said = [(column.name, key, _fixed(column)) for column, key in _said(mapper, records)]
    rows = [
        {name: default if (value := getattr(record, key)) is None else value for name, key, default in said}
        for record in records
    ]
    db.session.execute(sa.insert(mapper.local_table), rows)


def insert(model: Any, values: list[dict[str, Any]]) -> None:
    """Insert rows of a model or table, and empty their list."""
    if values:
        db.session.execute(sa.insert(model if isinstance(model, sa.Table) else model.__table__), values)
        values.clear()


def _said(mapper: Any, records: Sequence[db.Base]) -> Iterator[tuple[Any, str]]:
    """The columns, with their attributes, that some record fills in or that have no default."""
    for column in mapper.local_table.c:
        key = str(mapper.get_property_by_column(column).key)
        if column.default is None or any(getattr(record, key) is not None for record in records):
            yield column, key


def _fixed(column: Any) -> Any:
    """A column's default, where it is the same for every row."""
    return column.default.arg if column.default is not None and column.default.is_scalar else None


def settle() -> None:
    """Have ids continue after those given out here, and let the database learn what the tables now hold."""
    if not db.is_sqlite():
        for table in db.Base.metadata.sorted_tables:
            if (column := table.autoincrement_column) is not None:
                sequence = sa.func.pg_get_serial_sequence(table.name, column.name)
                db.session.execute(
                    sa.select(sa.func.setval(sequence, sa.func.max(column))).having(sa.func.max(column) > 0)
                )
    db.session.execute(sa.text("ANALYZE"))
