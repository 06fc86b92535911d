"""Names of records that people can read out on the telephone."""

import secrets

LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without those that are taken for one another."""


def new_reference(length: int = 8) -> str:
    """Letters and digits, told apart by ear and eye, that nobody can guess."""
    return "".join(secrets.choice(LETTERS) for _ in range(length))
