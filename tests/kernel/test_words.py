"""Words: spoken in the language of the moment they are shown, not of the moment they were thought of."""

from contextvars import copy_context
from gettext import NullTranslations

import pytest

from marketplace.kernel import words
from marketplace.kernel.errors import Conflict, Forbidden, NotFound, TooMany
from marketplace.kernel.words import _, _l, ngettext, speaking

pytestmark = pytest.mark.no_database


class Korean(NullTranslations):
    """A catalogue of three messages."""

    KNOWN = {"Hello {name}": "{name} 님, 안녕하세요", "Rooms": "공간"}

    def gettext(self, message: str) -> str:
        return self.KNOWN.get(message, message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return "방 {n}개"


@pytest.fixture(autouse=True)
def catalogues(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own catalogue in place of the translated site."""
    monkeypatch.setattr(words, "_catalogue", lambda code: Korean() if code == "ko" else NullTranslations())


def test_a_message_is_translated_and_filled() -> None:
    assert _("Hello {name}", name="민지") == "Hello 민지"
    with speaking("ko"):
        assert _("Hello {name}", name="민지") == "민지 님, 안녕하세요"
        assert _("Nobody translated this") == "Nobody translated this"


def test_what_people_wrote_is_never_read_as_a_pattern() -> None:
    assert _("100 % {sure}") == "100 % {sure}"
    assert _("Hello {name}", name="{name.__class__}") == "Hello {name.__class__}"


@pytest.mark.parametrize(("n", "english"), [(0, "0 rooms"), (1, "1 room"), (2, "2 rooms")])
def test_counted_things_agree_with_their_number(n: int, english: str) -> None:
    assert ngettext("{n} room", "{n} rooms", n) == english
    with speaking("ko"):
        assert ngettext("{n} room", "{n} rooms", n) == f"방 {n}개"


def test_a_lazy_text_speaks_when_it_is_shown() -> None:
    greeting = _l("Hello {name}").filled(name=_l("Rooms"))

    assert str(greeting) == "Hello Rooms"
    with speaking("ko"):
        assert str(greeting) == "공간 님, 안녕하세요"


def test_the_language_returns_after_the_block_even_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), speaking("ko"):
        _ = 1 / 0
    assert words.language.get() == "en"


def test_an_unknown_language_is_english() -> None:
    with speaking("ko"), speaking("tlh"):
        assert words.language.get() == "en"


def test_another_context_speaks_its_own_language() -> None:
    with speaking("ko"):
        there = copy_context()
    assert there.run(words.language.get) == "ko"
    assert words.language.get() == "en"


def test_refusals_carry_their_details_into_their_sentence() -> None:
    assert str(TooMany(minutes=7).sentence) == "That was tried too often. Please wait 7 minutes and try again."
    assert TooMany(minutes=7).code == "too_many"


@pytest.mark.parametrize(("refusal", "status"), [(Forbidden, 403), (NotFound, 404), (Conflict, 409), (TooMany, 429)])
def test_refusals_know_their_status(refusal: type[Forbidden], status: int) -> None:
    assert refusal().status == status
