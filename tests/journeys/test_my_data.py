"""Someone fetches a copy of their data, leaves, changes their mind, leaves again, and is gone."""

import io
import json
import subprocess
import sys
import time
import zipfile

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Person
from marketplace.kernel import clock
from tests.journeys.conftest import PATIENCE, ROOT, surroundings

PASSWORD = "three tall herons"


@pytest.mark.parametrize(
    ("language", "scripts", "width"),
    [("en", True, 1280), ("en", False, 320), ("ko", True, 320), ("ko", False, 1280)],
    ids=["en-scripts-1280", "en-plain-320", "ko-scripts-320", "ko-plain-1280"],
)
def test_someone_fetches_their_data_and_leaves(visitor, language, scripts, width):
    name, email = {"en": "Emily Han", "ko": "한에밀리"}[language], f"emily.{language}{width}@example.org"
    emily = visitor(language, scripts=scripts, width=width)
    emily.go(f"/register?language={language}")
    emily.register(name, email)
    emily.confirm_address()

    emily.go("/privacy")
    emily.follow("Fetch a copy of all that is held about you")
    emily.press("Make a copy of my data")
    emily.reads("We are making a copy of your data. You get a letter when it is ready.")
    emily.open_letter("The copy of your data is ready")
    emily.click(emily.page.locator(".letter a").first)
    emily.reads("The copy is ready")
    copy = fetched(emily)
    assert json.loads(copy.read("data.json"))["account"]["rows"][0]["name"] == name
    assert emily.word("A copy of your data") in copy.read("README.txt").decode()

    emily.go("/account/looked")
    emily.reads("Nobody has looked so far")

    leave(emily)
    sign_in(emily, email)
    emily.press("Keep my account")
    emily.reads("Your account stays.")

    leave(emily)
    week_passes(emily, email)
    sign_in(emily, email)
    emily.reads("The e-mail address or the password is wrong.")
    assert not [file for file in emily.city.letters() if email.encode() in file.read_bytes()]


def fetched(someone) -> zipfile.ZipFile:
    """The file behind the button."""
    link = someone.page.get_by_role("button", name=someone.word("Fetch the copy"), exact=True).get_attribute("href")
    answer = someone.fetch(someone.city.address + str(link))
    assert answer.headers["content-type"] == "application/zip"
    return zipfile.ZipFile(io.BytesIO(answer.body()))


def leave(someone) -> None:
    """Read what is lost, and go."""
    someone.go("/account/erase")
    someone.press("Erase my account")
    someone.reads("Tick the box to say that you have read what is lost.")
    someone.field("I have read what is lost").check()
    someone.press("Erase my account")
    someone.reads("You are signed out everywhere. What you had agreed to is cancelled.")


def sign_in(someone, email: str) -> None:
    """Sign in with the password of the story."""
    someone.go("/sign-in")
    someone.field("E-mail address").fill(email)
    someone.field("Password").fill(PASSWORD)
    someone.press("Sign in")


def week_passes(someone, email: str) -> None:
    """The time to change one's mind is over, and the worker comes round."""
    someone.city.change(sa.update(Person).where(Person.email == email).values(erase_at=clock.now()))
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "jobs", "run", "privacy.sweep"]
    subprocess.run(command, cwd=ROOT, env=surroundings(someone.city.folder), check=True)
    until = time.monotonic() + PATIENCE / 1000
    while someone.city.ask(sa.select(sa.func.count()).where(Person.email == email)):
        assert time.monotonic() < until, "nobody was erased"
        time.sleep(0.2)
