"""Texts that a stolen database must not give away: locked one by one, with keys that are kept outside of it.

AES-256-GCM with a random nonce of 96 bits (NIST SP 800-38D). Each text is bound to its place, so that none can be read
after being copied into another row or column, and names its key, so that keys can be renewed one after the other.
"""

import base64
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE = 12
_keys: dict[str, bytes] = {}


class Unreadable(Exception):
    """The text was changed, put elsewhere, or locked with a key that is no longer here."""


def set_keys(keys: dict[str, bytes]) -> None:
    """Give the keys by their names, 32 bytes each; new texts are locked with the first, all can be read."""
    if not keys or any(len(key) != 32 for key in keys.values()):
        raise ValueError("a vault needs keys of 32 bytes")
    _keys.clear()
    _keys.update(keys)


def lock(text: str, place: str) -> str:
    """Lock a text for its place, such as second_factors:17."""
    name, key = next(iter(_keys.items()))
    nonce = secrets.token_bytes(NONCE)
    locked = AESGCM(key).encrypt(nonce, text.encode(), place.encode())
    return f"{name}.{base64.urlsafe_b64encode(nonce + locked).decode()}"


def unlock(locked: str, place: str) -> str:
    """The text that was locked for this place. Raises Unreadable."""
    name, _, body = locked.partition(".")
    try:
        raw = base64.urlsafe_b64decode(body)
        return AESGCM(_keys[name]).decrypt(raw[:NONCE], raw[NONCE:], place.encode()).decode()
    except (KeyError, ValueError, InvalidTag) as failure:
        raise Unreadable from failure


def key_of(locked: str) -> str:
    """The name of the key that a text was locked with."""
    return locked.partition(".")[0]
