"""Records found by their subjects."""

import pytest

from marketplace.kernel import things
from marketplace.kernel.errors import NotFound
from marketplace.kernel.words import _l

ROWS = {1: "one", 2: "two"}


@pytest.fixture
def asked(monkeypatch):
    """A kind whose records are seen by their owner, "me"; says what was looked for."""
    asked: list[set[int]] = []
    monkeypatch.setattr(things, "_kinds", {})

    def find(ids):
        asked.append(set(ids))
        return {number: ROWS[number] for number in ids if number in ROWS}

    things.register(
        things.Kind(
            name="stone",
            label=_l("Stone"),
            find=find,
            title=str.upper,
            link=lambda record: f"/stones/{record}",
            may_see=lambda person, _record: person == "me",
            author_id=lambda _record: 7,
        )
    )
    return asked


def test_a_thing_is_found_with_its_name_and_page(asked):
    found = things.seen("me", "stone:2")

    assert (found.title, found.link, found.text, found.author_id) == ("TWO", "/stones/two", "TWO", 7)


def test_many_are_found_at_once(asked):
    assert sorted(things.find_all(["stone:1", "stone:2", "stone:3", "stone:1"])) == ["stone:1", "stone:2"]
    assert asked == [{1, 2, 3}]


@pytest.mark.parametrize("subject", ["tree:1", "stone:", "stone:x", "stone:²", "stone", "", f"stone:{'9' * 30}"])
def test_what_names_no_record_is_not_found(asked, subject):
    assert things.find(subject) is None
    assert asked == []


def test_what_one_may_not_see_is_not_there(asked):
    assert things.seen("me", "stone:1").record == "one"
    with pytest.raises(NotFound):
        things.seen("you", "stone:1")
    with pytest.raises(NotFound):
        things.seen("me", "stone:3")
