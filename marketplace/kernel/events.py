"""News for the city's other systems, told in the transaction that makes it true, without knowing who listens."""

from dataclasses import dataclass
from datetime import datetime

from marketplace.kernel import clock
from marketplace.kernel.hooks import Hook
from marketplace.kernel.words import Text


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of news, such as booking.confirmed."""

    name: str
    title: Text


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a record. `data` is JSON without personal data: state, times, numbers of places."""

    kind: str
    subject: str
    at: datetime
    data: dict[str, object]


listening = Hook()
"""event → None: a listener writes down what it wants to do about it, in the present transaction."""

_kinds: dict[str, Kind] = {}


def register(*kinds: Kind) -> None:
    """Make kinds of news known; features do so at a door, so that people can choose among them."""
    _kinds.update({kind.name: kind for kind in kinds})


def kinds() -> list[Kind]:
    """Every kind, in order of name."""
    return [_kinds[name] for name in sorted(_kinds)]


def emit(kind: str, subject: str, **data: object) -> None:
    """Tell what happened, if and when the present transaction is committed.

    Raises LookupError if nobody registered the kind.
    """
    if kind not in _kinds:
        raise LookupError(f"there is no kind of news {kind}")
    listening.ask(Event(kind, subject, clock.now(), data))
