from collections.abc import Callable

import pytest

from marketplace.civic.accounts.models import Person
from marketplace.civic.accounts.queries import by_email
from marketplace.portal.demo import queries, service


@pytest.fixture
def city() -> dict[str, int]:
    """A small demo city, and how much there is of everything."""
    return service.seed(service.SIZES["small"], 1, city="하늘시")


@pytest.fixture
def shown(city: dict[str, int]) -> Callable[[str], Person]:
    """The account to look around with that has this first word of its address."""

    def find(who: str) -> Person:
        person = by_email(f"{who}@{queries.DOMAIN}")
        assert person
        return person

    return find
