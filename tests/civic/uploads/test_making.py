"""What is shown: made anew, so that nothing of the sender, the place or the device stays."""

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pikepdf
import pytest
import sqlalchemy as sa
from PIL import Image

from marketplace.civic.uploads.errors import Unreadable
from marketplace.civic.uploads.models import Kind, State, Upload
from marketplace.civic.uploads.service import confined, magic, making, recording
from marketplace.kernel import db, jobs, storage
from tests.civic.uploads.conftest import (
    CANARY,
    document,
    heic,
    image,
    names,
    pdf,
    picture,
    stored,
    telling_picture,
)
from tests.factories import person

# --- pictures ---


def test_a_picture_is_shown_in_two_widths_and_what_was_sent_is_deleted(add):
    upload = add(person(), picture("JPEG", (3000, 1500)), "river.jpg")

    assert (upload.state, upload.width, upload.height) == (State.READY, 1600, 800)
    assert [image(stored(upload, part)).size for part in ("small", "large")] == [(400, 200), (1600, 800)]
    assert {image(stored(upload, part)).format for part in ("small", "large")} == {"WEBP"}
    assert names() == [upload.stored("large"), upload.stored("small")]


@pytest.mark.parametrize("size", [(100, 80), (500, 6000), (1, 1)])
def test_a_small_picture_is_not_enlarged_and_a_long_one_does_not_grow_beyond_twice_its_width(add, size):
    upload = add(person(), picture("PNG", size))
    width, height = image(stored(upload, "large")).size

    assert (width, height) == (upload.width, upload.height)
    assert width <= size[0]
    assert height <= 3200


def test_nothing_of_the_camera_the_place_or_a_comment_stays(add):
    sent = telling_picture()
    assert sent.count(CANARY.encode()) >= 4
    assert b"Exif" in sent
    upload = add(person(), sent)

    for part in ("small", "large"):
        content = stored(upload, part)
        shown = image(content)
        assert CANARY.encode() not in content
        assert not [sign for sign in (b"EXIF", b"Exif", b"ICCP", b"XMP ") if sign in content]
        assert dict(shown.getexif()) == {}
        assert not {"exif", "icc_profile", "xmp", "comment"} & shown.info.keys()


def test_a_picture_stands_as_its_camera_was_held(add):
    upload = add(person(), telling_picture())  # 600 by 400, to be turned to the right

    shown = image(stored(upload, "large")).convert("RGB")
    assert shown.size == (400, 600)
    assert colour(shown, 200, 50)[0] > 200  # what was left is above
    assert colour(shown, 200, 550)[2] > 200


def test_a_heic_picture_is_shown_like_any_other(add):
    upload = add(person(), heic())

    assert (upload.state, upload.width, upload.height) == (State.READY, 320, 200)
    assert CANARY.encode() not in stored(upload, "large")


def test_what_is_seen_through_stays_so(add):
    upload = add(person(), picture("PNG", mode="RGBA", colour="#ff000000"))
    assert colour(image(stored(upload, "large")).convert("RGBA"), 5, 5)[3] == 0


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "1", "I;16"])
def test_every_way_to_keep_colours_is_read(add, mode):
    out = io.BytesIO()
    Image.new(mode, (50, 40)).save(out, "JPEG" if mode == "CMYK" else "PNG")
    assert add(person(), out.getvalue()).state is State.READY


def test_what_hides_behind_a_picture_is_dropped(add):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as hidden:
        hidden.writestr("index.html", f"<script>{CANARY}</script>")
    upload = add(person(), picture() + archive.getvalue() + b"<script>alert(1)</script>")

    assert upload.state is State.READY
    for part in ("small", "large"):
        content = stored(upload, part)
        assert not [sign for sign in (b"PK\x03\x04", b"<script>", CANARY.encode()) if sign in content]


def colour(shown: Image.Image, *at: int) -> tuple[int, ...]:
    found = shown.getpixel((at[0], at[1]))
    assert isinstance(found, tuple)
    return found


def half_of(form: str) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((400, 300), 90).save(out, form)
    return out.getvalue()[: len(out.getvalue()) // 2]


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_half_a_picture_is_refused(add, form):
    upload = add(person(), half_of(form))

    assert (upload.state, upload.refusal) == (State.REFUSED, "unreadable")
    assert str(upload.problem).startswith("The file is damaged or incomplete.")
    assert names() == []


def test_half_a_webp_is_refused_at_once(add):
    with pytest.raises(Unreadable):
        add(person(), half_of("WEBP"))


def test_a_heic_that_promises_too_many_pixels_is_refused_where_it_is_opened(add, monkeypatch):
    monkeypatch.setattr(magic, "MOST_PIXELS", 1000)
    assert add(person(), heic()).refusal == "too_many_pixels"


# --- recordings ---


def probe(content: bytes) -> str:
    asked = ["ffprobe", "-v", "error", "-show_format", "-show_streams", "-f", "mov", "-"]
    return subprocess.run(asked, input=content, capture_output=True, check=True).stdout.decode()


@pytest.mark.parametrize("container", ["mp4", "webm"])
def test_a_video_is_made_anew_as_every_browser_plays_it(add, recorded, container):
    sent = recorded(container)
    assert CANARY.encode() in sent
    upload = add(person(), sent)

    assert (upload.state, upload.kind, upload.is_video) == (State.READY, Kind.RECORDING, True)
    assert (upload.width, upload.height, upload.seconds) == (160, 120, 2)
    content = stored(upload, "play")
    told = probe(content)
    assert "codec_name=h264" in told
    assert "codec_name=aac" in told
    assert CANARY.encode() not in content
    assert content.index(b"moov") < content.index(b"mdat")  # so that it plays before all of it is there
    assert names() == [upload.stored("play")]


def test_sound_alone_stays_sound(add, recorded):
    upload = add(person(), recorded("webm", video=False))

    assert (upload.state, upload.is_video, upload.seconds) == (State.READY, False, 2)
    assert upload.shown_as == {"play": "audio/mp4"}
    assert "codec_type=video" not in probe(stored(upload, "play"))


def test_the_place_a_telephone_writes_into_a_video_is_gone(add, recorded):
    place = ("-movflags", "use_metadata_tags", "-metadata", "location=+37.5665+126.9780/", "-metadata", "make=Maker")
    sent = recorded("mp4", more=place)
    assert b"+37.5665+126.9780/" in sent
    upload = add(person(), sent)
    assert b"37.5665" not in stored(upload, "play")


def test_a_browser_s_recording_that_does_not_say_its_length_is_measured(add, recorded):
    sent = recorded("webm", 3, more=("-live", "1"))
    assert add(person(), sent).seconds == 3


@pytest.mark.parametrize("container", ["mp4", "webm"])
def test_a_recording_of_more_than_three_minutes_is_refused(add, recorded, container):
    upload = add(person(), recorded(container, 184, video=False))
    assert (upload.state, upload.refusal) == (State.REFUSED, "too_long")
    assert names() == []


def test_one_that_hides_its_length_is_cut_off_and_refused(add, recorded):
    sent = recorded("webm", 190, video=False, more=("-live", "1"))
    assert add(person(), sent).refusal == "too_long"


def test_three_minutes_are_not_too_long(add, recorded):
    upload = add(person(), recorded("webm", 180, video=False))
    assert (upload.state, upload.seconds) == (State.READY, 180)


@pytest.mark.parametrize(("container", "more"), [("mp4", ()), ("mp4", ("-movflags", "+faststart")), ("webm", ())])
def test_half_a_video_is_refused(add, recorded, container, more):
    sent = recorded(container, 6, more=more)
    upload = add(person(), sent[: len(sent) // 2])
    assert (upload.state, upload.refusal) == (State.REFUSED, "unreadable")


def test_a_video_in_a_codec_nobody_records_in_is_refused(add, recorded):
    upload = add(person(), recorded("mp4", more=("-c:v", "mpeg4")))
    assert upload.refusal == "unreadable"


def test_a_video_of_too_many_pixels_is_refused(add, recorded, monkeypatch):
    monkeypatch.setattr(recording, "MOST_PIXELS", 100)
    assert add(person(), recorded("mp4")).refusal == "too_many_pixels"


# --- documents ---


def test_a_document_is_written_anew_without_what_it_tells_of_its_makers(add):
    made = document()
    made.docinfo["/Author"] = CANARY
    with made.open_metadata() as told:
        told["dc:creator"] = [CANARY]
    made.pages[0].obj["/PieceInfo"] = pikepdf.Dictionary(App=pikepdf.Dictionary(Private=pikepdf.String(CANARY)))
    sent = pdf(made, compress_streams=False)
    assert CANARY.encode() in sent
    upload = add(person(), sent, "plan.pdf")

    content = stored(upload, "file")
    assert upload.state is State.READY
    with pikepdf.open(io.BytesIO(content)) as kept:
        assert len(kept.pages) == 1
        assert "/Info" not in kept.trailer
        assert "/Metadata" not in kept.Root
        assert "/PieceInfo" not in kept.pages[0].obj
    assert names() == [upload.stored("file")]


def javascript() -> pikepdf.Dictionary:
    return pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=pikepdf.String("app.alert(1)"))


ACTIVE = {
    "a script when it is opened": lambda: document(OpenAction=javascript()),
    "a script in a page": lambda: _with_page(AA=pikepdf.Dictionary(O=javascript())),
    "a script in the names": lambda: document(
        Names=pikepdf.Dictionary(JavaScript=pikepdf.Dictionary(Names=[pikepdf.String("a"), javascript()]))
    ),
    "a program to start": lambda: document(
        OpenAction=pikepdf.Dictionary(S=pikepdf.Name.Launch, F=pikepdf.String("cmd.exe"))
    ),
    "a form program": lambda: document(AcroForm=pikepdf.Dictionary(Fields=[], XFA=pikepdf.String("<xdp/>"))),
    "a file": lambda: _with_file(),
}


def _with_page(**more: object) -> pikepdf.Pdf:
    made = document()
    for name, value in more.items():
        made.pages[0].obj[f"/{name}"] = value
    return made


def _with_file() -> pikepdf.Pdf:
    made, file = document(), Path(__file__)
    made.attachments["notes.txt"] = pikepdf.AttachedFileSpec.from_filepath(made, file)
    return made


@pytest.mark.parametrize("what", ACTIVE)
def test_a_document_that_does_something_is_refused(add, what):
    upload = add(person(), pdf(ACTIVE[what]()))
    assert (upload.state, upload.refusal) == (State.REFUSED, "active_document")
    assert "Print it to a new PDF" in str(upload.problem)


@pytest.mark.parametrize("user", ["", "secret"])
def test_a_protected_document_is_refused(add, user):
    locked = pikepdf.Encryption(owner="owner", user=user)
    assert add(person(), pdf(encryption=locked)).refusal == "protected_document"


@pytest.mark.parametrize("content", [pdf()[:-200], b"%PDF-1.7\nnothing more", pdf().replace(b"/Pages", b"/Sagep")])
def test_a_broken_document_is_refused(add, content):
    assert add(person(), content).refusal == "unreadable"


def test_an_archive_behind_a_document_is_refused_or_dropped(add):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as hidden:
        hidden.writestr("index.html", CANARY)
    upload = add(person(), pdf() + archive.getvalue())
    assert upload.state is State.REFUSED or b"PK\x03\x04" not in stored(upload, "file")


# --- limits, and a worker that dies ---


@pytest.mark.parametrize(
    "greedy",
    [
        "bytearray(4 << 30)",
        "open(__import__('sys').argv[1], 'wb').write(b'x' * (200 << 20))",
        "exec('while True: pass')",
    ],
)
def test_a_program_that_takes_too_much_is_stopped(greedy, tmp_path):
    with pytest.raises(Unreadable):
        confined.run(sys.executable, "-c", greedy, tmp_path / "out", seconds=2)


def test_a_confined_program_learns_none_of_our_secrets(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", CANARY)
    told = confined.run(sys.executable, "-c", "import os; print(dict(os.environ))", seconds=10)
    assert CANARY.encode() not in told
    assert b"PATH" in told


def test_a_job_done_twice_does_no_harm(add):
    upload = add(person(), picture())
    before = names()
    making.prepare(upload.id)
    assert names() == before
    assert upload.state is State.READY


def test_a_file_deleted_while_it_is_looked_into_leaves_nothing(add, monkeypatch):
    def gone(folder):
        facts = made(folder)
        db.session.execute(db.Base.metadata.tables["uploads"].delete())
        return facts

    made = making.MAKERS[Kind.PICTURE]
    monkeypatch.setitem(making.MAKERS, Kind.PICTURE, gone)
    upload = Upload(person_id=person().id, key="a" * 32, kind=Kind.PICTURE, name="a", size=1)
    db.session.add(upload)
    db.session.commit()
    storage.store().put(upload.stored("original"), io.BytesIO(picture()))
    making.prepare(upload.id)
    assert names() == []


def test_what_cannot_be_stored_is_tried_again(monkeypatch, store):
    upload = Upload(person_id=person().id, key="b" * 32, kind=Kind.PICTURE, name="a", size=1)
    db.session.add(upload)
    db.session.flush()
    jobs.enqueue("uploads.prepare", upload_id=upload.id)
    jobs.run_pending()  # what was sent cannot be read

    assert [job.attempts for job in db.session.scalars(sa.select(jobs.Job))] == [1]
    assert upload.state is State.WAITING
