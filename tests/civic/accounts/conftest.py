import re
from collections.abc import Callable
from email import message_from_string, policy

import pytest

GOOD = "three tall herons"
"""A password that nobody would guess."""


def last(link: str) -> str:
    return link.rpartition("/")[2]


def shown(answer) -> str:
    """A page without the words that differ each time."""
    return re.sub(r'nonce="[^"]*"', "", answer.get_data(as_text=True))


@pytest.fixture
def mail(letters: Callable[[], list[str]]) -> Callable[[], list[tuple[str, str, str]]]:
    """Do the waiting jobs; the letters as (to, subject, link)."""

    def read() -> list[tuple[str, str, str]]:
        found = []
        for text in letters():
            letter = message_from_string(text, policy=policy.default)
            body = letter.get_body(("plain",))
            assert body
            link = re.search(r"http://localhost(/\S*)", body.get_content())
            found.append((letter["To"], letter["Subject"], link[1] if link else ""))
        return found

    return read
