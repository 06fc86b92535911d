"""Texts of home share that are locked one by one: bound to their row and column."""

from typing import Any

from marketplace.kernel import vault


def lock(row: Any, column: str, text: str) -> None:
    """Keep a text locked in a column of a row that has its number already; nothing is kept as nothing."""
    setattr(row, column, vault.lock(text, _place(row, column)) if text else "")


def unlock(row: Any, column: str) -> str:
    """The text that is locked in a column of a row, for those who may read it."""
    locked = getattr(row, column)
    return vault.unlock(locked, _place(row, column)) if locked else ""


def _place(row: Any, column: str) -> str:
    return f"{row.__tablename__}:{row.id}:{column}"
