"""The ground with a few pages of its own to try it by."""

from dataclasses import replace

import pytest
from flask import Flask

from marketplace import create_app
from marketplace.kernel import jobs
from marketplace.settings import Settings
from tests.conftest import Browser
from tests.web import stage


@pytest.fixture(scope="session")
def staged(app: Flask, settings: Settings) -> Flask:
    """The application with the pages of stage.py."""
    return stage.build(_another_app(settings))


@pytest.fixture(scope="session")
def secured(app: Flask, settings: Settings) -> Flask:
    """The same, as served over https with a map of tiles."""
    tiles = "https://tiles.example.org:8443/{z}/{x}/{y}.png"
    return stage.build(_another_app(replace(settings, base_url="https://city.example.org", tile_url=tiles)))


def _another_app(settings: Settings) -> Flask:
    """An application beside that of all tests, in whose surroundings jobs go on to run."""
    surroundings = jobs._surroundings
    made = create_app(settings)
    jobs.set_surroundings(surroundings)
    return made


@pytest.fixture
def visitor(staged: Flask) -> Browser:
    """Someone at these pages, not signed in."""
    staged.test_client_class = Browser
    return staged.test_client()  # type: ignore[return-value]
