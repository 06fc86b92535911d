"""Passwords and tokens: how they are made, compared, and kept so that a stolen database opens nothing."""

import hashlib
import hmac
import secrets
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn.frequency_lists import FREQUENCY_LISTS

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_secret = b""
_city: tuple[str, ...] = ()


def set_secret(secret: bytes) -> None:
    """Key the seals, so that nobody who only reads the database can make one."""
    global _secret
    _secret = secret


def set_city(*names: str) -> None:
    """Tell the city's names, which no password may be made of."""
    global _city
    _city = names


# --- passwords ---


def one_spelling(password: str) -> str:
    """The password composed (NFC): keyboards differ in how they send an accent or a syllable."""
    return unicodedata.normalize("NFC", password)


def hashed(password: str) -> str:
    """What is stored in place of a password (argon2id)."""
    return _hasher.hash(one_spelling(password))


@cache
def _nobody() -> str:
    return _hasher.hash(secrets.token_urlsafe())


def matches(stored: str | None, password: str) -> bool:
    """Whether this is the password; with nothing stored it takes as long to say no."""
    try:
        return _hasher.verify(stored or _nobody(), one_spelling(password)) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(stored: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(stored)


@cache
def _common() -> frozenset[str]:
    return frozenset(word for words in FREQUENCY_LISTS.values() for word in words)


def is_common(password: str) -> bool:
    """Whether it is among the passwords, words and names that are tried first."""
    spelled = one_spelling(password).casefold()
    return spelled in _common() or len(set(spelled)) < 3


def names_one_of(password: str, *texts: str) -> bool:
    """Whether the password holds one of these texts, or the city's name."""
    spelled = _bare(password)
    words = {_bare(text) for text in (*texts, *_city)}
    return any(word in spelled for word in words if len(word) >= (2 if word > "가" else 3))


def _bare(text: str) -> str:
    return "".join(letter for letter in one_spelling(text).casefold() if letter.isalnum())


# --- tokens ---


def new_token(prefix: str = "") -> str:
    """A secret that nobody guesses, to be shown or sent once."""
    return prefix + secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """What is stored in place of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def seal(*parts: object) -> str:
    """A word that only this platform can make from these parts, to prove that they came from it."""
    return hmac.new(_secret, "\0".join(map(str, parts)).encode(), hashlib.sha256).hexdigest()[:40]


def is_seal(word: str, *parts: object) -> bool:
    """Whether the word is the seal of these parts."""
    return hmac.compare_digest(word.encode(), seal(*parts).encode())
