"""Public holidays of the city's country."""

from datetime import date
from functools import lru_cache

import holidays

_country = "KR"


def set_country(code: str) -> None:
    """Tell which country's public holidays the city keeps (ISO 3166-1 alpha-2). Raises ValueError if unknown."""
    global _country
    if code not in holidays.list_supported_countries():
        raise ValueError(f"no public holidays are known for {code!r}")
    _country = code
    _holidays.cache_clear()


@lru_cache(maxsize=16)
def _holidays(country: str, year: int) -> holidays.HolidayBase:
    return holidays.country_holidays(country, years=year)


def is_holiday(day: date) -> bool:
    """Whether a day is a public holiday."""
    return day in _holidays(_country, day.year)
