"""A library's catalogue sent on its page: taken in by the worker while a page shows how far it is."""

import io
import multiprocessing
import re
import signal
import time
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from marketplace import create_app
from marketplace.civic.accounts.models import Role, RoleGrant
from marketplace.kernel import audit, db, jobs, progress, words
from marketplace.kernel.progress import LongWork
from marketplace.sharing.items import staff
from marketplace.sharing.items.models.listing import Item
from marketplace.sharing.items.queries import libraries as queries
from marketplace.sharing.items.service import catalogue
from marketplace.web.security import MEGABYTE
from tests.factories import building, item, library, person, sign_in

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def tools():
    return queries.get_library(library().id)


@pytest.fixture
def manager(browser, tools):
    made = person("The manager", roles=[(Role.MANAGER, tools.building)])
    sign_in(browser, made)
    return made


def table(many: int, first: int = 0) -> bytes:
    return "".join(["Title,Category\n", *(f"Thing {n},drills\n" for n in range(first, first + many))]).encode()


def send(browser, tools, data=b"Title,Category\nDrill,drills\nNo,saws\n", **fields):
    file = {"file": (io.BytesIO(data), "things.csv")} if data is not None else {}
    sent = {"csrf_token": browser.token(), **fields, **file}
    answer = browser.post(f"/libraries/{tools.id}/catalogue", data=sent)
    answer.request.input_stream.close()  # what a test client keeps of a large file
    return answer


def report(browser, tools, data=b"Title,Category\nDrill,drills\nNo,saws\n", **fields) -> str:
    """What the page says once the worker is done."""
    sent = send(browser, tools, data, **fields)
    assert sent.status_code == 303, sent.text
    jobs.run_pending()
    return browser.get(sent.location).text


def count_items() -> int:
    db.session.expire_all()
    return db.count(sa.select(Item.id))


# --- the pages ---


def test_a_table_is_tried_out_and_then_taken_in_row_by_row(browser, tools, manager):
    tried = report(browser, tools, trying="yes")
    assert "nothing is changed yet" in tried
    assert "New: 1. Changed: 0. Unchanged: 0. Refused: 1." in tried
    assert "Write from 3 to 100 characters." in tried
    assert count_items() == 0

    assert "The file is taken in" in report(browser, tools)
    [made] = db.session.scalars(sa.select(Item))
    assert (made.title, made.library_id) == ("Drill", tools.id)
    entries = sa.select(audit.AuditEntry).where(audit.AuditEntry.action == "items.catalogue_taken_in")
    assert [entry.detail["added"] for entry in db.session.scalars(entries)] == [1]


def test_while_it_goes_on_the_page_shows_how_far_and_asks_again_by_itself(browser, tools, manager):
    at = send(browser, tools, table(2 * catalogue.PART + 50)).location
    before = browser.get(at).text
    jobs.run_pending(1)
    page = browser.get(at).text

    assert 'value="0" max="250"' in before
    assert '<progress class="progress__bar" id="progress" value="100" max="250">' in page
    assert "100 of 250 rows" in page
    assert '<noscript><meta http-equiv="refresh"' in page
    assert count_items() == 100
    assert at in browser.get(f"/libraries/{tools.id}/catalogue").text  # whoever closed the page finds it again
    refused = send(browser, tools, table(1))
    assert refused.status_code == 409
    assert "Another file is being taken in." in refused.text

    jobs.run_pending()
    page = browser.get(at).text
    assert "New: 250. Changed: 0. Unchanged: 0. Refused: 0." in page
    assert "http-equiv" not in page


def test_each_reads_the_report_in_their_language(browser, tools, manager):
    at = send(browser, tools).location
    jobs.run_pending()

    assert "3자에서 100자로 적으세요." in browser.get(f"{at}?language=ko").text
    assert "Write from 3 to 100 characters." in browser.get(f"{at}?language=en").text


@pytest.mark.parametrize("trying", [True, False])
def test_rows_of_later_parts_know_what_earlier_ones_were_about(browser, tools, manager, trying):
    many = catalogue.PART
    data = table(many) + b"Thing 3,drills\nOnce more,drills\nOnce more,drills\n"
    told = report(browser, tools, data, **({"trying": "yes"} if trying else {}))

    assert f"New: {many + 1}. Changed: 0. Unchanged: 0. Refused: 2." in told
    assert re.findall(r"This is the same thing as in line (\d+)\.", told) == ["5", str(many + 3)]
    assert count_items() == (0 if trying else many + 1)


def test_a_trial_says_what_really_becomes_of_a_table(browser, tools, manager):
    report(browser, tools, b"Codes,Title,Category,Pieces\nAAAA1 AAAA2,Drill,drills,2\nBBBB1,Saw,saws,1\n")
    data = (
        b"Codes,Title,Category,Pieces\nAAAA1 AAAA2,Big drill,drills,2\nAAAA2,Drill,drills,2\nBBBB1,Saw,saws,1\n"
        b"CCCC1,Tent,tents,1\nCCCC1,Tent,tents,1\n,Tent,tents,1\nAAAA1 BBBB1,Both,tools,2\nBBBB1 CCCC1,Saw,saws,2\n"
    )

    figures = re.compile(r"New: \d+\. Changed: \d+\. Unchanged: \d+\. Refused: \d+\.")
    sentences = re.compile(r"(?:This is the same|These codes|Several things|There are \d)[^<]+")
    tried, done = report(browser, tools, data, trying="yes"), report(browser, tools, data)

    assert figures.findall(tried) == figures.findall(done) != []
    assert sentences.findall(tried) == sentences.findall(done) != []


def test_only_the_first_of_many_refusals_are_named_and_all_are_counted(browser, tools, manager):
    told = report(browser, tools, b"Title,Category\n" + b"No,drills\n" * 501)

    assert "Refused: 501." in told
    assert "The first 500 of them:" in told
    assert told.count("Write from 3 to 100 characters.") == 500


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (None, "Choose a file."),
        (b"PK\x03\x04", "This is a workbook."),
        (b"Name\nDrill\n", "There is none called Title."),
        (b"Title,Category\n" + b"Drill,drills\n" * 20_001, "The file has more than 20000 rows."),
        (b"Title,Category\n" + b" " * MEGABYTE, "The file is larger than 1 MB."),
    ],
    ids=["none", "workbook", "columns", "rows", "size"],
)
def test_a_file_that_cannot_be_taken_in_is_refused_at_once_with_a_sentence(
    browser, tools, manager, monkeypatch, data, sentence
):
    monkeypatch.setattr(staff, "LARGEST_FILE", MEGABYTE)
    answer = send(browser, tools, data)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert db.count(sa.select(LongWork.id)) == 0


def test_whoever_runs_the_library_no_more_takes_in_nothing_more(browser, tools, manager):
    at, manager_id, tools_id = send(browser, tools, table(catalogue.PART + 1)).location, manager.id, tools.id
    jobs.run_pending(1)
    db.session.execute(sa.delete(RoleGrant).where(RoleGrant.person_id == manager_id))
    db.session.commit()
    db.session.expunge_all()
    jobs.run_pending()

    assert count_items() == catalogue.PART
    found = progress.of_subject(f"library:{tools_id}")[0]
    assert str(found.refusal) == "Your account may not do that."
    assert browser.get(at).status_code == 404


def test_someone_who_left_takes_in_nothing_more(browser, tools, manager):
    send(browser, tools, table(3))
    progress.forget(db.session.merge(manager))
    jobs.run_pending()

    assert count_items() == 0


def test_another_library_s_work_is_not_there(browser, tools, manager):
    at = send(browser, tools).location
    museum = building("Museum")
    other = library(museum, name="Other")
    sign_in(browser, person(roles=[(Role.MANAGER, museum)]))

    assert browser.get(at).status_code == 404
    assert browser.get(at.replace(f"/{tools.id}/", f"/{other.id}/")).status_code == 404


def test_the_catalogue_is_fetched_in_the_reader_s_language_and_sent_back_unchanged(browser, tools, manager):
    item("충전 드릴", of=tools, units=2, parts={"비트": 3})
    for language in words.LANGUAGES:
        got = browser.get(f"/libraries/{tools.id}/catalogue.csv?language={language}")
        assert got.content_type == "text/csv; charset=utf-8"
        browser.get("/?language=en")
        assert "Unchanged: 1. Refused: 0." in report(browser, tools, got.data)
        assert "Unchanged: 1. Refused: 0." in report(browser, tools, got.data, trying="yes")


# --- with real processes ---

MANY = 5 * catalogue.PART
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)  # the other processes' clocks are not stopped


def _work(url: str, settings, parts: object, slow: float) -> None:
    """Be a worker that takes its time in the middle of each part, after its rows are written."""
    create_app(settings)
    db.connect(url)
    part = catalogue.take_part

    def slowly(*given, **more) -> None:
        part(*given, **more)
        db.session.flush()
        parts.release()  # type: ignore[attr-defined]
        time.sleep(slow)

    catalogue.take_part = slowly
    jobs._rhythms.clear()
    jobs._tasks["progress.step"] = jobs.Task(jobs._tasks["progress.step"].handler, lease=timedelta(seconds=3))
    jobs.work(lambda: False, f"worker {slow}", idle=0.02)


def test_an_import_whose_workers_are_killed_is_carried_out_once(live_database, settings, tools):
    asked_by = person("The manager", roles=[(Role.MANAGER, tools.building)])
    work = progress.begin(
        "items.catalogue", f"library:{tools.id}", asked_by.id, io.BytesIO(table(MANY)), MANY, library_id=tools.id
    )
    db.session.execute(sa.update(jobs.Job).values(run_at=LONG_AGO))
    db.session.commit()
    work_id = work.id
    db.session.remove()
    for after in (1, 2):
        parts = SPAWN.Semaphore(0)
        doomed = SPAWN.Process(target=_work, args=(live_database, settings, parts, 0.5), daemon=True)
        doomed.start()
        for _part in range(after):
            assert parts.acquire(timeout=60)
        doomed.kill()
        doomed.join()
        assert doomed.exitcode == -signal.SIGKILL
        with db.transaction(read_only=True):
            found, made = db.session.get_one(LongWork, work_id), db.count(sa.select(Item.id))
            assert (found.done, found.ended_at) == (made, None)

    parts = SPAWN.Semaphore(0)
    heir = SPAWN.Process(target=_work, args=(live_database, settings, parts, 0), daemon=True)
    heir.start()
    for _turn in range(1200):
        time.sleep(0.05)
        with db.transaction(read_only=True):
            if db.session.get_one(LongWork, work_id).ended_at:
                break
    heir.kill()
    heir.join()

    with db.transaction(read_only=True):
        found = db.session.get_one(LongWork, work_id)
        titles = list(db.session.scalars(sa.select(Item.title)))
        entries = db.count(sa.select(audit.AuditEntry).where(audit.AuditEntry.action == "items.catalogue_taken_in"))
    assert (found.done, found.failure, found.told["added"]) == (MANY, None, MANY)
    assert len(titles) == len(set(titles)) == MANY
    assert entries == 1
