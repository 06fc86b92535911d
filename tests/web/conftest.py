"""The ground with a few pages of its own to try it by."""

from dataclasses import replace

import pytest
from flask import Flask

from marketplace import create_app
from marketplace.settings import Settings
from tests.conftest import Browser
from tests.web import stage


@pytest.fixture(scope="session")
def staged(app: Flask, settings: Settings) -> Flask:
    """The application with the pages of stage.py."""
    return stage.build(create_app(settings))


@pytest.fixture(scope="session")
def secured(app: Flask, settings: Settings) -> Flask:
    """The same, as served over https with a map of tiles."""
    tiles = "https://tiles.example.org:8443/{z}/{x}/{y}.png"
    return stage.build(create_app(replace(settings, base_url="https://city.example.org", tile_url=tiles)))


@pytest.fixture
def visitor(staged: Flask) -> Browser:
    """Someone at these pages, not signed in."""
    staged.test_client_class = Browser
    return staged.test_client()  # type: ignore[return-value]
