"""A policy's no, as a refusal or as silence."""

import pytest

from marketplace.kernel.access import permit, reveal
from marketplace.kernel.errors import Forbidden, NotFound

pytestmark = pytest.mark.no_database


def owns(person, thing):
    return person == thing


def test_yes_lets_through():
    permit(owns, "Jiwoo", "Jiwoo")
    reveal(owns, "Jiwoo", "Jiwoo")


def test_no_is_forbidden_to_do_and_hidden_to_see():
    with pytest.raises(Forbidden):
        permit(owns, "Jiwoo", "Minseo")
    with pytest.raises(NotFound):
        reveal(owns, None, "Minseo")
