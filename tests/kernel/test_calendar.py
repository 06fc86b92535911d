"""Public holidays."""

from datetime import date

import pytest

from marketplace.kernel import calendar

pytestmark = pytest.mark.no_database


@pytest.fixture
def country():
    yield calendar.set_country
    calendar.set_country("KR")


@pytest.mark.parametrize(
    ("day", "holiday"),
    [
        (date(2027, 3, 1), True),  # Independence Movement Day
        (date(2027, 2, 7), True),  # lunar new year
        (date(2027, 2, 9), True),  # its substitute, as it fell on a Sunday
        (date(2027, 9, 15), True),  # Chuseok
        (date(2027, 3, 2), False),
        (date(2027, 3, 7), False),  # a Sunday is a Sunday
    ],
)
def test_korean_holidays(day, holiday):
    assert calendar.is_holiday(day) is holiday


def test_another_country_keeps_others(country):
    country("DE")

    assert calendar.is_holiday(date(2027, 10, 3))
    assert not calendar.is_holiday(date(2027, 3, 1))


def test_an_unknown_country_is_refused_and_changes_nothing(country):
    with pytest.raises(ValueError, match="'XX'"):
        country("XX")

    assert calendar.is_holiday(date(2027, 3, 1))


def test_the_first_and_the_last_year_have_an_answer():
    assert not calendar.is_holiday(date(1, 1, 2))
    assert not calendar.is_holiday(date(9999, 12, 24))
