"""The words of the fictional city and the facts about its kinds of building, read from their files."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent


@cache
def names() -> dict[str, Any]:
    """Names of places, people and purposes."""
    return tomllib.loads((FOLDER / "names.toml").read_text("utf-8"))


@cache
def facts() -> dict[str, Any]:
    """Kinds of building with their hours and rooms."""
    return tomllib.loads((FOLDER / "buildings.toml").read_text("utf-8"))


@cache
def neighbours() -> dict[str, Any]:
    """Clubs, conversations and reports."""
    return tomllib.loads((FOLDER / "neighbours.toml").read_text("utf-8"))


@cache
def things() -> dict[str, Any]:
    """Kinds of things with their values and parts, and what is said of them."""
    return tomllib.loads((FOLDER / "things.toml").read_text("utf-8"))


@cache
def homeshare() -> dict[str, Any]:
    """Places of study, and what hosts and students say of themselves."""
    return tomllib.loads((FOLDER / "homeshare.toml").read_text("utf-8"))
