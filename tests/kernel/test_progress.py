"""Long work: kept, carried out part by part, told of, given up and forgotten."""

from datetime import timedelta
from io import BytesIO

import pytest
import sqlalchemy as sa

from marketplace.kernel import clock, db, jobs, progress, storage
from marketplace.kernel.errors import Invalid
from marketplace.kernel.limits import RateCounter
from marketplace.kernel.progress import LongWork
from marketplace.kernel.words import _l, speaking
from tests.conftest import MONDAY

pytestmark = pytest.mark.usefixtures("app")


class Unlucky(Invalid):
    """A part that cannot be carried out."""

    message = _l("Choose a file.")


@progress.step("test.letters")
def write(work: LongWork, data: bytes) -> None:
    """A mark for each letter of the file, two at a time; an x cannot be written."""
    for letter in data.decode()[work.done : work.done + 2]:
        db.session.add(RateCounter(key=f"letter {letter}", window_start=clock.now(), count=1))
        db.session.flush()
        if letter == "x":
            raise Unlucky
    work.done = min(work.whole, work.done + 2)
    work.told = {**work.told, "parts": work.told["parts"] + 1}


@progress.look("test.count")
def count(work: LongWork, data: bytes) -> dict[str, object]:
    progress.come_to(work, 1)
    assert work.told == {"parts": 0}
    return {"letters": len(data)}


def begin(data: bytes = b"abcde", name: str = "test.letters", subject: str = "library:1") -> LongWork:
    made = progress.begin(name, subject, 7, BytesIO(data), len(data), parts=0)
    db.session.commit()
    return made


def anew(work: LongWork) -> LongWork:
    db.session.expire_all()
    return db.session.get_one(LongWork, work.id)


def letters_written() -> list[str]:
    return [key[-1] for key in db.session.scalars(sa.select(RateCounter.key).order_by(RateCounter.key))]


def files() -> set[str]:
    return {name for name, _at in storage.store().written("long/")}


def test_each_part_is_one_job_and_tells_how_far_it_came():
    before, work, seen = files(), begin(), []
    while jobs.run_pending(1):
        seen.append((anew(work).done, anew(work).ended_at is not None))

    assert seen == [(2, False), (4, False), (5, True), (5, True)]  # the last job deletes the file
    assert letters_written() == ["a", "b", "c", "d", "e"]
    assert anew(work).told == {"parts": 3}
    assert files() == before


def test_a_part_that_is_refused_is_undone_and_ends_the_work_with_its_sentence():
    work = begin(b"abcxe")
    jobs.run_pending()

    found = anew(work)
    assert (found.done, found.told, letters_written()) == (2, {"parts": 1}, ["a", "b"])
    assert found.ended_at == MONDAY
    assert str(found.refusal) == "Choose a file."
    with speaking("ko"):
        assert str(found.refusal) == "파일을 고르세요."


def test_a_look_changes_nothing_but_what_it_tells():
    work = begin(name="test.count")
    jobs.run_pending()

    found = anew(work)
    assert (found.done, found.told, found.failure, found.ended_at) == (5, {"letters": 5}, None, MONDAY)


def test_of_one_subject_there_is_one_at_a_time():
    work = begin()
    with pytest.raises(progress.GoesOn):
        begin()
    other = begin(subject="library:2")
    jobs.run_pending()
    again = begin(b"fg")

    assert progress.of_subject("library:1") == [anew(again), anew(work)]
    assert progress.get(work.id, "library:1") == anew(work)
    assert progress.get(other.id, "library:1") is None


def test_work_of_a_name_that_nobody_carries_out_is_no_work():
    with pytest.raises(LookupError):
        begin(name="test.nothing")


def test_a_file_without_a_row_is_done_at_once():
    work = begin(b"")
    jobs.run_pending()

    assert anew(work).ended_at == MONDAY


def test_what_does_not_move_for_a_day_is_given_up_and_what_is_over_is_forgotten_after_a_month(monday):
    work = begin()
    db.session.execute(sa.delete(jobs.Job))
    monday(MONDAY + timedelta(days=1))
    progress.sweep()
    jobs.run_pending()

    assert str(anew(work).refusal) == str(progress.NEVER_DONE)
    assert f"long/{work.key}" not in files()
    monday(MONDAY + timedelta(days=31))
    progress.sweep()
    assert db.session.get(LongWork, work.id) is None


def test_files_of_requests_that_came_to_nothing_are_deleted_and_others_are_not():
    work = begin()
    storage.store().put("long/orphan", BytesIO(b"x"))  # long ago, by the clock of the tests

    progress.sweep()

    assert "long/orphan" not in files()
    assert f"long/{work.key}" in files()


def test_a_sentence_is_kept_in_no_language_with_its_parts():
    inner = _l("Several things here have this title. Say by a code which is meant.")
    kept = progress.written_text(_l("This is {state}; {n}.", state=inner, n=3))

    assert progress.read_text(kept).filled() == _l("This is {state}; {n}.", state=inner, n=3)
