"""Asking a policy question, and refusing when the answer is no."""

from collections.abc import Callable
from typing import Any

from marketplace.kernel.errors import Forbidden, NotFound


def permit(question: Callable[..., bool], person: Any, *things: Any) -> None:
    """Go on only if the policy says yes; otherwise Forbidden."""
    if not question(person, *things):
        raise Forbidden


def reveal(question: Callable[..., bool], person: Any, *things: Any) -> None:
    """Go on only if the person may know that the thing exists; otherwise NotFound."""
    if not question(person, *things):
        raise NotFound
