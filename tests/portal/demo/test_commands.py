import json
from dataclasses import replace
from pathlib import Path

import pytest

from marketplace import create_app
from marketplace.kernel import db
from marketplace.portal.demo import queries
from marketplace.settings import Settings
from tests.conftest import new_database

pytestmark = pytest.mark.no_database


@pytest.fixture
def invoke(tmp_path: Path, settings: Settings):
    """Run a command of an application on a new database, in development or in production."""
    url = new_database(tmp_path)

    def run(*words: str, env: str = "development"):
        app = create_app(replace(settings, database_url=url, data_dir=tmp_path, maeul_env=env))
        result = app.test_cli_runner().invoke(args=list(words))
        db.session.remove()
        app.extensions["engine"].dispose()
        return result

    yield run
    create_app(settings)


def test_prepare_makes_the_city_once_and_says_how_to_sign_in(invoke):
    first = invoke("prepare", "--seed", "small")
    assert first.exit_code == 0, first.output
    assert f"resident@{queries.DOMAIN}" in first.stdout
    assert queries.PASSWORD in first.stdout
    assert "Making" in first.stderr

    again = invoke("prepare", "--seed", "small")
    assert again.stdout == first.stdout
    assert "Making" not in again.stderr


def test_prepare_makes_no_city_if_none_is_wanted(invoke):
    result = invoke("prepare", "--seed", "none")
    assert result.exit_code == 0, result.output
    assert result.output == ""
    assert invoke("demo", "sign-ins").output == ""


def test_seeding_ends_with_its_figures_and_happens_once(invoke):
    invoke("prepare", "--seed", "none")
    result = invoke("demo", "seed", "--size", "small", "--seed", "3")
    assert json.loads(result.stdout.splitlines()[-1])["buildings"] == 10

    again = invoke("demo", "seed", "--size", "small")
    assert again.exit_code == 1
    assert "already" in again.stderr


def test_production_is_not_filled_with_fiction_and_never_gets_the_known_password(invoke):
    prepared = invoke("prepare", "--seed", "small", env="production")
    assert prepared.exit_code == 0
    assert prepared.stdout == ""

    refused = invoke("demo", "seed", "--size", "small", env="production")
    assert refused.exit_code == 1

    made = invoke("demo", "seed", "--size", "small", "--yes", env="production")
    assert made.exit_code == 0
    assert f"resident@{queries.DOMAIN}" in made.stdout
    assert queries.PASSWORD not in made.stdout
    assert invoke("demo", "sign-ins", env="production").exit_code == 1
    assert invoke("prepare", env="production").stdout == ""
