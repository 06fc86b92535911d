"""Words people read: gettext without Flask, so that services and letters can speak as well as pages."""

import gettext as catalogues
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, singledispatch
from pathlib import Path

LANGUAGES = {"en": "English", "ko": "한국어"}
TRANSLATIONS = Path(__file__).parent.parent / "translations"

language: ContextVar[str] = ContextVar("language", default="en")


@cache
def _catalogue(code: str) -> catalogues.NullTranslations:
    return catalogues.translation("messages", TRANSLATIONS, [code], fallback=True)


def _(message: str, **parts: object) -> str:
    """Translate a message into the current language and fill its {parts}."""
    text = _catalogue(language.get()).gettext(message)
    return text.format(**parts) if parts else text


def plural(one: str, many: str, n: int) -> str:
    """The translated form of a message that fits a number, its {parts} not yet filled."""
    return _catalogue(language.get()).ngettext(one, many, n)


def ngettext(one: str, many: str, n: int, **parts: object) -> str:
    """Translate a message that counts something; {n} is the number."""
    return plural(one, many, n).format(n=n, **parts)


@singledispatch
def written(part: object) -> object:
    """How a part of a message is written; kernel/writing.py teaches it moments, dates and lengths."""
    return part


@dataclass(frozen=True, slots=True)
class Text:
    """A message translated only when it is shown."""

    message: str
    parts: tuple[tuple[str, object], ...] = ()

    def __str__(self) -> str:
        return _(self.message, **{name: written(part) for name, part in self.parts})

    def filled(self, **parts: object) -> "Text":
        """The same message with more of its {parts} known."""
        return Text(self.message, (*self.parts, *parts.items()))


def _l(message: str, **parts: object) -> Text:
    """Mark a message for translation at the moment it is shown."""
    return Text(message, tuple(parts.items()))


class Spoken(str):
    """A marshmallow message: translated at the moment that marshmallow fills it in."""

    def format(self, *_args: object, **parts: object) -> str:
        """The message in the current language; itself as long as a part is missing, as when a validator is made."""
        try:
            return _(str.__str__(self), **parts)
        except KeyError:
            return self


def _m(message: str) -> Spoken:
    """Mark a message for marshmallow, which keeps its sentences from the start of the program."""
    return Spoken(message)


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Speak this language within the block; an unknown code means English."""
    token = language.set(code if code in LANGUAGES else "en")
    try:
        yield
    finally:
        language.reset(token)
