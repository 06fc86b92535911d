"""Refusals: each has a sentence, a status and a name for programs."""

from datetime import UTC, datetime, timedelta

import pytest

from marketplace.kernel import words
from marketplace.kernel import writing as writing  # teaches sentences how moments are written
from marketplace.kernel.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, TooMany
from marketplace.kernel.words import _l

pytestmark = pytest.mark.no_database


class AlreadyPromised(Conflict):
    """One of a feature's refusals."""

    message = _l("Free again {moment}, after {length}.")


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (DomainError, 400, "domain_error"),
        (Invalid, 422, "invalid"),
        (Forbidden, 403, "forbidden"),
        (NotFound, 404, "not_found"),
        (Conflict, 409, "conflict"),
        (TooMany, 429, "too_many"),
        (AlreadyPromised, 409, "already_promised"),
    ],
)
def test_every_kind_has_its_status_and_its_name(kind, status, code):
    assert (kind().status, kind().code) == (status, code)


def test_a_sentence_is_filled_in_and_spoken_when_it_is_read():
    refusal = AlreadyPromised(moment=datetime(2027, 3, 1, 5, tzinfo=UTC), length=timedelta(minutes=90), field="start")

    assert str(refusal.sentence) == "Free again Mon 1 March, 14:00, after 1 hour 30 minutes."
    assert refusal.details["field"] == "start"


def test_a_detail_with_braces_stays_as_it_is():
    assert "{moment}" in str(AlreadyPromised(moment="{moment}", length="{0}").sentence)


@pytest.mark.parametrize("kind", [DomainError, Forbidden, NotFound, TooMany])
def test_every_refusal_speaks_korean_too(kind):
    english = [str(kind.title), str(kind(minutes=3).sentence)]
    with words.speaking("ko"):
        korean = [str(kind.title), str(kind(minutes=3).sentence)]

    assert all(any("가" <= letter <= "힣" for letter in sentence) for sentence in korean)
    assert not any(any("가" <= letter <= "힣" for letter in sentence) for sentence in english)
