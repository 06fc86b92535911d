"""Putting on record that staff read about people, once the page that shows them is made."""

from collections.abc import Mapping
from typing import Any

from marketplace.kernel import looking
from marketplace.web.access import current_person
from marketplace.web.security import afterwards


def looked(page: str, offices: Mapping[int, Mapping[str, Any]]) -> None:
    """The present person reads about these people; kernel/looking.py says what is kept of it.

    A page that is read writes nothing, so the record follows in a transaction of its own after the answer.
    """
    reader = current_person().id
    if offices.keys() - {reader}:
        afterwards(lambda: looking.put_down(reader, page, offices))
