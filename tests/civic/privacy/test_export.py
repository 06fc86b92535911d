"""A copy of one's data: asked for once a day, made by the worker, fetched for a week by its person alone."""

import csv
import io
import json
import re
import tracemalloc
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import IO

import pytest
import sqlalchemy as sa

from marketplace.civic.accounts.models import Role
from marketplace.civic.privacy.errors import CopyUnderway, OneCopyADay
from marketplace.civic.privacy.models import DataExport, ExportState
from marketplace.civic.privacy.service import exports
from marketplace.civic.privacy.service.archive import Archive
from marketplace.kernel import db, hooks, jobs, storage
from marketplace.kernel.hooks import Extract
from tests import factories
from tests.conftest import MONDAY
from tests.factories import march


def work():
    db.session.commit()
    jobs.run_pending()
    db.session.expire_all()


def copy_of(browser) -> zipfile.ZipFile:
    """The copy that the person in this browser asks for, opened."""
    assert browser.send("/account/data").status_code == 303
    work()
    number = db.session.scalar(sa.select(sa.func.max(DataExport.id)))
    answer = browser.get(f"/account/data/{number}", buffered=True)
    assert answer.status_code == 200
    return zipfile.ZipFile(io.BytesIO(answer.data))


def rows(copy: zipfile.ZipFile, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(copy.read(f"{name}.csv").decode("utf-8-sig"), newline="")))


def test_the_copy_holds_everything_as_json_and_as_tables(browser):
    emily = factories.person("Emily Han", "emily@example.org")
    made = factories.booking(factories.space("강당"), march(11, 10, 11), by=emily, purpose="=1+1")
    factories.booking(factories.space(), march(11, 10, 11), purpose="Someone else's")
    factories.sign_in(browser, emily)

    copy = copy_of(browser)

    everything = json.loads(copy.read("data.json"))
    (booking,) = everything["bookings"]["rows"]
    assert (booking["reference"], booking["room"], booking["purpose"]) == (made.reference, "강당", "=1+1")
    assert booking["starts_at"] == "2027-03-11T10:00:00+09:00"
    assert everything["account"]["rows"][0]["email"] == "emily@example.org"
    assert everything["sessions"]["rows"][0]["device"] == "Firefox, Linux"
    assert rows(copy, "bookings")[0]["purpose"] == "'=1+1", "a spreadsheet would run it"
    assert {"spaces.confirmed", "privacy.copy_asked"} <= {row["action"] for row in rows(copy, "acts")}
    assert b"Someone else" not in b"".join(copy.read(name) for name in copy.namelist())


def test_no_password_hash_or_token_is_in_the_copy(browser):
    emily = factories.person()
    header = factories.bearer(emily)["Authorization"]
    factories.sign_in(browser, emily)

    copy = copy_of(browser)

    everything = b"".join(copy.read(name) for name in copy.namelist())
    assert b"argon2" not in everything
    assert header.split("_")[1].encode() not in everything
    for table, column in (("person_sessions", "token_hash"), ("api_tokens", "token_hash"), ("data_exports", "key")):
        for secret in db.session.scalars(sa.text(f"SELECT {column} FROM {table}")):
            assert secret.encode() not in everything


@pytest.mark.parametrize(("language", "word"), [("en", "data.json holds everything"), ("ko", "data.json")])
def test_a_note_in_the_persons_language_says_what_is_what(browser, language, word):
    factories.sign_in(browser, factories.person("Emily", language=language))

    note = copy_of(browser).read("README.txt").decode("utf-8-sig")

    assert word in note
    assert "account.csv" in note
    assert ("Your account" in note) == (language == "en")


def test_one_copy_is_made_at_a_time_and_one_a_day(monday):
    emily = factories.person()
    exports.ask(emily)
    with pytest.raises(CopyUnderway):
        exports.ask(emily)
    work()
    with pytest.raises(OneCopyADay):
        exports.ask(emily)
    exports.ask(factories.person())

    monday(MONDAY + timedelta(days=1))
    assert exports.ask(emily).state is ExportState.WAITING


def test_the_database_refuses_a_second_unfinished_copy():
    emily = factories.person()
    first = exports.ask(emily)
    again = {"person_id": emily.id, "asked_at": first.asked_at, "state": "making", "key": "k"}
    with pytest.raises(sa.exc.IntegrityError), db.session.begin_nested():
        db.session.execute(sa.insert(DataExport).values(**again, asked_on=first.asked_on + timedelta(days=1)))


def test_the_page_shows_how_far_it_is(browser, monday):
    factories.sign_in(browser, factories.person())

    def page() -> str:
        return browser.get("/account/data").get_data(as_text=True)

    assert "Make a copy of my data" in page()
    browser.send("/account/data")
    assert "The copy waits its turn" in page()
    assert "Make a copy of my data" not in page()
    db.session.execute(sa.update(DataExport).values(state="making"))
    assert "The copy is being made" in page()
    work()
    assert "Fetch the copy" in page()
    assert "You can ask for another copy tomorrow." in page()
    assert browser.send("/account/data").status_code == 409


def test_a_copy_is_deleted_after_a_week(browser, monday):
    emily = factories.person()
    factories.sign_in(browser, emily)
    copy_of(browser)
    export = db.session.scalars(sa.select(DataExport)).one()
    name = exports.file_of(export.key)
    storage.store().open(name).close()

    monday(MONDAY + timedelta(days=7))
    factories.sign_in(browser, emily)
    assert browser.get(f"/account/data/{export.id}").status_code == 404, "its time is over even before the sweep"
    exports.sweep()
    work()

    assert db.session.scalars(sa.select(DataExport.state)).one() is ExportState.OVER
    with pytest.raises(storage.Missing):
        storage.store().open(name)
    assert "its week is over" in browser.get("/account/data").get_data(as_text=True)
    monday(MONDAY + timedelta(days=91))
    exports.sweep()
    assert db.session.scalars(sa.select(DataExport)).all() == []


def test_nobody_else_fetches_a_copy(browser, app):
    factories.sign_in(browser, factories.person())
    copy_of(browser)
    number = db.session.scalar(sa.select(DataExport.id))
    assert app.test_client().get(f"/account/data/{number}").status_code == 303

    for someone in (factories.person(), factories.person(roles=[Role.ADMINISTRATOR])):
        factories.sign_in(browser, someone)
        assert browser.get(f"/account/data/{number}").status_code in (404, 303)
        assert browser.get(f"/account/data/{number}").mimetype != "application/zip"


def test_whoever_signed_in_long_ago_shows_first_that_it_is_them(browser, monday):
    factories.sign_in(browser, factories.person())
    copy_of(browser)
    monday(MONDAY + timedelta(minutes=20))

    for path in ("/account/data", f"/account/data/{db.session.scalar(sa.select(DataExport.id))}", "/account/erase"):
        assert browser.get(path).headers["Location"].startswith("/account/prove?"), path


def test_a_letter_tells_that_the_copy_is_ready(browser, letters):
    factories.sign_in(browser, factories.person(email="emily@example.org"))
    browser.send("/account/data")

    told = [letter for letter in letters() if "The copy of your data is ready" in letter]

    assert len(told) == 1
    assert "/account/data" in told[0]
    assert ".zip" not in told[0], "the letter leads to a page that asks who one is, not to the file"


def test_a_copy_that_cannot_be_made_does_not_block_the_next(monday):
    emily = factories.person()
    export = exports.ask(emily)
    db.session.execute(sa.delete(jobs.Job))
    monday(MONDAY + timedelta(days=1))
    exports.sweep()
    assert export.state is ExportState.FAILED
    exports.ask(emily)


def test_a_copy_made_twice_is_announced_once():
    emily = factories.person()
    export = exports.ask(emily)
    assert exports.made(export.id, export.key, 10)
    assert exports.made(export.id, export.key, 10) is None


def test_a_large_account_is_written_without_being_held_in_memory(tmp_path):
    """50,000 rows and a file of 64 MB: several times what may be held at once."""
    big = tmp_path / "big.bin"
    with big.open("wb") as file:
        file.truncate(64 * 2**20)

    def open_big() -> IO[bytes]:
        return big.open("rb")

    rows = ({"number": number, "text": "=" + "가나다라마바사아" * 8} for number in range(50_000))
    tracemalloc.start()
    with Path(tmp_path / "out.zip").open("wb") as out, Archive(out) as archive:
        archive.add(Extract("things", "Things", rows, {"../../big.bin": open_big}))
        archive.finish("note")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert most < 10 * 2**20, most
    with zipfile.ZipFile(tmp_path / "out.zip") as copy:
        assert copy.testzip() is None
        assert copy.getinfo("files/things/big.bin").file_size == 64 * 2**20
        assert len(json.loads(copy.read("data.json"))["things"]["rows"]) == 50_000


def test_every_feature_is_asked_for_what_it_holds(app):
    names = [
        extract.name
        for answer in hooks.personal_data.ask(factories.person())
        for extract in (answer if isinstance(answer, list) else [answer])
    ]

    assert len(names) == len(set(names)), "two parts of the copy have one name"
    assert {"account", "sessions", "bookings", "copies"} <= set(names)
    assert all(re.fullmatch(r"[a-z0-9_-]+", name) for name in names), names
