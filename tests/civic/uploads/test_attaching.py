"""Attaching files to what they belong to, deleting them, and what is swept."""

import io
import os
from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.civic.uploads import errors, queries, service
from marketplace.civic.uploads.models import Upload, UploadDay
from marketplace.kernel import db, hooks, jobs
from marketplace.kernel.errors import NotFound
from tests.civic.uploads.conftest import names, picture, stored
from tests.conftest import MONDAY
from tests.factories import person


def ids(*uploads: Upload) -> list[int]:
    return [upload.id for upload in uploads]


# --- attaching ---


def test_files_belong_to_one_thing_in_the_order_they_came(add):
    jiwoo = person()
    first, second = add(jiwoo, picture()), add(jiwoo, picture())
    service.attach(jiwoo, ids(second, first), "note:1")

    found = queries.of_subjects(["note:1", "note:2"])
    assert [ids(*uploads) for uploads in found.values()] == [ids(first, second), []]


def test_what_belongs_to_a_hundred_things_is_found_in_one_statement(add, statements):
    with statements() as seen:
        queries.of_subjects(f"note:{number}" for number in range(100))
    assert len(seen) == 1


def test_nobody_attaches_what_is_not_theirs_or_belongs_to_something_already(add):
    jiwoo, minho = person(), person()
    used, free, theirs = add(jiwoo, picture()), add(jiwoo, picture()), add(minho, picture())
    service.attach(jiwoo, ids(used), "note:1")
    for wanted in ([used.id], [theirs.id], [free.id, theirs.id], [free.id, 999_999]):
        with pytest.raises(errors.FileGone):
            service.attach(jiwoo, wanted, "note:2")

    assert queries.of_subjects(["note:2"])["note:2"] == []


def test_a_thing_has_so_many_files_and_no_more(add):
    jiwoo = person()
    uploads = [add(jiwoo, picture()) for _ in range(3)]
    service.attach(jiwoo, ids(*uploads[:2]), "note:1", most=2)
    with pytest.raises(errors.TooManyFiles):
        service.attach(jiwoo, ids(uploads[2]), "note:1", most=2)


def test_what_was_refused_meanwhile_is_named(add):
    jiwoo = person()
    upload = add(jiwoo, b"%PDF-1.7\n", "plan.pdf")
    with pytest.raises(errors.WasRefused) as refused:
        service.attach(jiwoo, ids(upload), "note:1")
    assert str(refused.value.sentence) == (
        "“plan.pdf” was refused. The file is damaged or incomplete. Open it on your device, save it again and add that."
    )


def test_what_is_taken_off_may_be_used_again_for_a_day(add, monday):
    jiwoo = person()
    upload = add(jiwoo, picture())
    service.attach(jiwoo, ids(upload), "note:1")
    monday(MONDAY + timedelta(days=30))
    service.detach("note:1")
    service.sweep()
    service.attach(jiwoo, ids(upload), "note:2")

    assert queries.of_subjects(["note:1", "note:2"]) == {"note:1": [], "note:2": [upload]}


def test_the_database_refuses_a_file_that_is_neither_loose_nor_attached(add):
    upload = add(person(), picture())
    for values in ({"subject": "note:1"}, {"loose_since": None}, {"state": "refused"}):
        with pytest.raises(sa.exc.IntegrityError), db.session.begin_nested():
            db.session.execute(sa.update(Upload).where(Upload.id == upload.id).values(**values))


# --- deleting ---


def test_a_deleted_file_is_gone_from_the_storage_once_that_is_settled(add):
    jiwoo = person()
    upload, other = add(jiwoo, picture()), add(jiwoo, picture())
    service.remove(jiwoo, upload.key)
    assert len(names()) == 4
    jobs.run_pending()
    assert names() == sorted(other.stored(part) for part in ("small", "large"))


def test_nobody_deletes_what_is_not_theirs_or_what_belongs_to_something(add):
    jiwoo = person()
    upload = add(jiwoo, picture())
    with pytest.raises(NotFound):
        service.remove(person(), upload.key)
    service.attach(jiwoo, ids(upload), "note:1")
    with pytest.raises(errors.StillUsed):
        service.remove(jiwoo, upload.key)


# --- sweeping ---


def test_what_belongs_to_nothing_is_deleted_after_a_day(add, monday):
    jiwoo = person()
    loose, used = add(jiwoo, picture()), add(jiwoo, picture())
    service.attach(jiwoo, ids(used), "note:1")
    monday(MONDAY + timedelta(hours=24))
    service.sweep()
    assert len(db.session.scalars(queries.of_person(jiwoo)).all()) == 2

    monday(MONDAY + timedelta(hours=24, seconds=1))
    service.sweep()
    jobs.run_pending()
    assert db.session.scalars(queries.of_person(jiwoo)).all() == [used]
    assert names() == sorted(used.stored(part) for part in ("small", "large"))
    assert loose.key not in " ".join(names())


def test_files_go_with_the_thing_they_belonged_to(add, notes):
    jiwoo = person()
    stays, goes, unknown = (add(jiwoo, picture()) for _ in range(3))
    notes[1] = notes[2] = frozenset()
    for upload, subject in ((stays, "note:1"), (goes, "note:2"), (unknown, "tale:1")):
        service.attach(jiwoo, ids(upload), subject)
    del notes[2]
    service.sweep_gone()

    assert db.session.scalars(queries.of_person(jiwoo)).all() == [unknown, stays]


def test_days_gone_by_are_not_counted_on(add, monday):
    add(person(), picture())
    monday(MONDAY + timedelta(days=2))
    service.sweep()
    assert db.session.scalars(sa.select(UploadDay)).all() == []


def test_files_that_no_row_names_are_deleted_and_no_others(add, store):
    upload = add(person(), picture())
    waiting = service.receive(person(), io.BytesIO(picture()), "a.jpg")
    stray = "uploads/ff/" + "f" * 32
    elsewhere = "exports/1.zip"
    forgotten = [f"{stray}.original", f"{stray}.small.x1.part", upload.stored("original"), elsewhere, f"{stray}.new"]
    for name in forgotten:
        store.put(name, io.BytesIO(b"x"))
    for name in names():
        os.utime(store.folder / name, (0, 0))
    fresh = MONDAY.timestamp()
    os.utime(store.folder / f"{stray}.new", (fresh, fresh))

    service.discard(service.forgotten_files())
    kept = [upload.stored("small"), upload.stored("large"), waiting.stored("original"), elsewhere, f"{stray}.new"]
    assert names() == sorted(kept)


# --- a person's data ---


def test_a_copy_of_one_s_data_holds_the_files_as_they_are_shown(add, browser):
    jiwoo, minho = person(), person()
    upload = add(jiwoo, picture(), "river.jpg")
    add(minho, picture(), "theirs.jpg")
    [extract] = [one for one in hooks.personal_data.ask(jiwoo) if getattr(one, "name", "") == "files"]

    assert [row["name"] for row in extract.rows] == ["river.jpg"]
    [(name, opened)] = extract.files.items()
    assert name == f"{upload.id}.webp"
    with opened() as file:
        assert file.read() == stored(upload, "large")


def test_erasing_a_person_leaves_no_file_and_no_row(add):
    jiwoo, minho = person(), person()
    used, loose, theirs = add(jiwoo, picture()), add(jiwoo, picture()), add(minho, picture())
    service.attach(jiwoo, ids(used), "note:1")
    service.erase(jiwoo)
    jobs.run_pending()

    assert db.session.scalars(sa.select(Upload)).all() == [theirs]
    assert {row.person_id for row in db.session.scalars(sa.select(UploadDay))} == {minho.id}
    assert [name for name in names() if used.key in name or loose.key in name] == []
