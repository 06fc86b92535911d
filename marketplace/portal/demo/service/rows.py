"""Writing many records quickly: their numbers are given out here, so that the same seed makes the same rows."""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import sqlalchemy as sa

from marketplace.kernel import db


def numbers(table: Any) -> Iterator[int]:
    """The next free ids of a table, or of a model's table."""
    key = sa.inspect(table).columns["id"] if not isinstance(table, sa.Table) else table.c.id
    return count((db.session.scalar(sa.select(sa.func.max(key))) or 0) + 1)


def write(records: Sequence[db.Base]) -> None:
    """Insert records of one kind, all filled in alike; what none of them says is left to the column's default."""
    if not records:
        return
    mapper: Any = sa.inspect(type(records[0]))
    said = [(column, key) for column in mapper.local_table.c if _is_said(records, column, key := _key(mapper, column))]
    rows = [{column.name: getattr(record, key) for column, key in said} for record in records]
    db.session.execute(sa.insert(mapper.local_table), rows)


def _key(mapper: Any, column: Any) -> str:
    return str(mapper.get_property_by_column(column).key)


def _is_said(records: Sequence[db.Base], column: Any, key: str) -> bool:
    return column.default is None or any(getattr(record, key) is not None for record in records)


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
