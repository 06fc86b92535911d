"""Who looks after the list of departments."""

from typing import Any


def may_look_after_departments(person: Any) -> bool:
    """Only an administrator; people stand above departments, so any person who has roles will do."""
    return person is not None and bool(person.is_a("administrator"))
