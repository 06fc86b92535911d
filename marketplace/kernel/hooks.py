"""Questions that lower floors ask of the features above them, without knowing which features there are."""

from collections.abc import Callable
from typing import Any, TypeVar

Answerer = TypeVar("Answerer", bound=Callable[..., Any])


class Hook:
    """A question that any number of features answer: they register at start-up, the asker collects."""

    def __init__(self) -> None:
        self._answerers: list[Callable[..., Any]] = []

    def register(self, answerer: Answerer) -> Answerer:
        """Add an answerer; usable as a decorator."""
        if answerer not in self._answerers:
            self._answerers.append(answerer)
        return answerer

    def ask(self, *about: Any) -> list[Any]:
        """Every answer, in the order of registration, leaving out None."""
        return [answer for answerer in self._answerers if (answer := answerer(*about)) is not None]


building_contents = Hook()
"""building → a section (title, list of (text, href)) of what a building offers, for its page."""

coming_up = Hook()
"""person → a section (title, list of (text, href)) of what the person has agreed to, for the account page."""
