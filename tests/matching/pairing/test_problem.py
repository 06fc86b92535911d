"""What is no problem is refused with a sentence."""

import numpy as np
import pytest

from matching.pairing import Miss, Problem, Withheld
from tests.matching.pairing.cases import problem

pytestmark = pytest.mark.no_database

ONE = np.array([0])


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"seekers": ["1", "1"]}, "An id stands twice among the seekers"),
        ({"homes": [5]}, "The ids of homes must be text"),
        ({"seeker": np.array([3])}, "a seeker or a home that does not exist"),
        ({"home": np.array([-1])}, "a seeker or a home that does not exist"),
        ({"seeker_rank": np.array([-1])}, "Ranks begin at 0"),
        ({"home_rank": np.array([0.5])}, "home_rank must be whole numbers"),
        ({"home_rank": np.array([0, 0])}, "home_rank must have 1 entries"),
        ({"seeker_score": np.array([1001])}, "seeker_score: a score lies between 0 and 1000"),
        ({"people": np.array([3])}, "one person or two"),
        ({"people": np.array([2])}, "cannot share a home of one room"),
        ({"rooms": np.array([0])}, "at least one room"),
        ({"priority": np.array([-1])}, "begin at 0"),
        ({"seed": -1}, "The seed is a whole number"),
        ({"locked": [("1", "x")]}, "Nobody is called x"),
        ({"locked": [("1", "a"), ("1", "a")]}, "A seeker is locked twice"),
        ({"incumbents": [("1", "a"), ("1", "a")]}, "A seeker is an incumbent twice"),
        ({"locked": [("1", "a")], "withheld": {("1", "a"): Withheld.HELD}}, "is locked and withheld"),
        ({"misses": [Miss("1", "a", "rent", 1, "KRW", 0, 0)]}, "is acceptable and fails rent"),
    ],
)
def test_what_is_wrong_is_named(wrong: dict[str, object], sentence: str) -> None:
    right: dict[str, object] = {
        "seekers": ["1"], "homes": ["a"], "seeker": ONE, "home": ONE, "seeker_rank": ONE, "home_rank": ONE,
    }  # fmt: skip
    with pytest.raises(ValueError, match=sentence):
        Problem(**{**right, **wrong})  # type: ignore[arg-type]


def test_more_people_locked_than_rooms_are_refused() -> None:
    with pytest.raises(ValueError, match="More people are locked than a has rooms"):
        problem(("1", "a", 0, 0), ("2", "a", 0, 0), locked=[("1", "a"), ("2", "a")])


def test_a_pair_that_stands_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="A pair stands twice"):
        problem(("1", "a", 0, 0), ("1", "a", 1, 0))
