"""Locked texts: readable in their place with their key, and nowhere else."""

import pytest

from marketplace.kernel import vault

OLD, NEW = bytes(range(32)), bytes(range(32, 64))


@pytest.fixture(autouse=True)
def keys():
    before = dict(vault._keys)
    vault.set_keys({"1": OLD})
    yield
    if before:
        vault.set_keys(before)


def test_a_locked_text_is_read_in_its_place():
    locked = vault.lock("할머니 010-1234-5678", "notes:1")

    assert vault.unlock(locked, "notes:1") == "할머니 010-1234-5678"
    assert "1234" not in locked
    assert vault.lock("same", "notes:1") != vault.lock("same", "notes:1")


def test_a_text_copied_elsewhere_is_unreadable():
    with pytest.raises(vault.Unreadable):
        vault.unlock(vault.lock("secret", "notes:1"), "notes:2")


@pytest.mark.parametrize(
    "spoil", [lambda text: text[:-5] + "AAAA=", lambda text: "2" + text[1:], lambda _: "", str.lower]
)
def test_a_changed_text_is_unreadable(spoil):
    locked = vault.lock("secret", "notes:1")

    with pytest.raises(vault.Unreadable):
        vault.unlock(spoil(locked), "notes:1")


def test_keys_are_renewed_one_after_the_other():
    old = vault.lock("secret", "notes:1")
    vault.set_keys({"2": NEW, "1": OLD})
    new = vault.lock("secret", "notes:1")

    assert (vault.key_of(old), vault.key_of(new)) == ("1", "2")
    assert vault.unlock(old, "notes:1") == vault.unlock(new, "notes:1") == "secret"


def test_a_key_of_another_length_is_refused():
    with pytest.raises(ValueError, match="32 bytes"):
        vault.set_keys({"1": b"short"})
    with pytest.raises(ValueError, match="32 bytes"):
        vault.set_keys({})
