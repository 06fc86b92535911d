"""What is seen of a file at once: its kind by its first bytes, how large it is, and how many pixels it promises."""

import io
import shutil
import struct
import zlib

import pytest
import sqlalchemy as sa

from marketplace.civic.uploads import errors, service
from marketplace.civic.uploads.models import Kind, State, Upload
from marketplace.civic.uploads.service import magic
from marketplace.kernel import db
from tests.civic.uploads.conftest import heic, names, pdf, picture
from tests.factories import person

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'


def receive(content: bytes, name: str = "file.bin", **options) -> Upload:
    return service.receive(person(), io.BytesIO(content), name, **options)


def test_a_kind_is_told_by_the_first_bytes_whatever_a_file_is_called(recorded):
    files = {
        picture("JPEG"): Kind.PICTURE,
        picture("PNG"): Kind.PICTURE,
        picture("WEBP"): Kind.PICTURE,
        heic(): Kind.PICTURE,
        recorded("mp4"): Kind.RECORDING,
        recorded("webm"): Kind.RECORDING,
        recorded("webm", video=False): Kind.RECORDING,
        pdf(): Kind.DOCUMENT,
    }
    received = [receive(content, "holiday.exe") for content in files]

    assert [upload.kind for upload in received] == list(files.values())
    assert {upload.state for upload in received} == {State.WAITING}
    assert names() == sorted(upload.stored("original") for upload in received)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("drawing.svg", SVG),
        ("drawing.jpg", b'<?xml version="1.0"?>' + SVG),
        ("page.jpg", b"<!DOCTYPE html><script>alert(1)</script>"),
        ("both.gif", b"GIF89a/*" + b"\0" * 20 + b"*/=1;alert(1)"),
        ("playlist.mp4", b"#EXTM3U\n#EXTINF:1,\nhttp://169.254.169.254/latest/meta-data\n"),
        ("list.mp4", b"ffconcat version 1.0\nfile /etc/passwd\n"),
        ("archive.pdf", b"PK\x03\x04" + b"\0" * 30 + pdf()),
        ("late.pdf", b"\n" * 20 + pdf()),
        ("program.png", b"MZ" + b"\0" * 100),
        ("film.mkv", b"\x1a\x45\xdf\xa3\x93\x42\x82\x88matroska" + b"\0" * 60),
        ("new.avif", b"\0\0\0\x1cftypavif" + b"\0" * 60),
    ],
)
def test_what_is_none_of_these_is_refused_and_leaves_nothing(name, content):
    with pytest.raises(errors.UnknownKind) as refused:
        receive(content, name)

    assert str(refused.value.sentence) == (
        f"“{name}” is not a file that can be added here. You can add pictures (JPEG, PNG, WebP, HEIC),"
        " sound and video (WebM, MP4) and PDF documents."
    )
    assert names() == []
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Upload)) == 0


def test_a_place_takes_only_the_kinds_it_asks_for():
    with pytest.raises(errors.UnknownKind) as refused:
        receive(pdf(), "plan.pdf", kinds={Kind.PICTURE})
    assert str(refused.value.sentence).endswith("You can add pictures (JPEG, PNG, WebP, HEIC).")


def test_a_file_may_be_as_large_as_its_kind_and_not_a_byte_larger(monkeypatch):
    content = picture("JPEG")
    monkeypatch.setattr(service, "MEGABYTE", len(content))
    monkeypatch.setitem(service.MOST_MEGABYTES, Kind.PICTURE, 1)
    receive(content)
    with pytest.raises(errors.TooLarge) as refused:
        receive(content + b"\0", "big.jpg")
    assert str(refused.value.sentence) == "“big.jpg” is too large: it may have at most 1 MB."


def test_an_empty_file_is_refused():
    with pytest.raises(errors.EmptyFile):
        receive(b"")


def png_of(width: int, height: int) -> bytes:
    """A PNG that promises so many pixels in a few bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(8001, 8000), (60_000, 60_000), (2**31 - 1, 2**31 - 1)])
def test_a_bomb_is_refused_before_it_is_decoded(size):
    with pytest.raises(errors.TooManyPixels) as refused:
        receive(png_of(*size))
    assert str(refused.value.sentence).startswith("The picture is too large: it may have at most 64 million pixels.")


def test_a_picture_of_the_most_pixels_is_received():
    assert receive(png_of(8000, 8000)).kind is Kind.PICTURE


def test_a_picture_without_a_head_is_refused_at_once():
    with pytest.raises(errors.Unreadable):
        receive(b"\xff\xd8\xff\xe0" + b"\0" * 100)


def test_where_ffmpeg_is_missing_recordings_are_refused_and_the_rest_goes_on(monkeypatch, recorded):
    sound = recorded("webm", video=False)
    monkeypatch.setattr(shutil, "which", lambda _program: None)
    with pytest.raises(errors.NoRecordings):
        receive(sound)
    assert receive(picture()).kind is Kind.PICTURE


def test_nobody_adds_files_with_an_address_that_may_be_someone_else_s():
    with pytest.raises(errors.AddressNotConfirmed):
        service.receive(person(confirmed=False), io.BytesIO(picture()), "a.jpg")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\Jiwoo\\사진.jpg", "사진.jpg"),
        ("a\r\nSet-Cookie: x=1.png", "aSet-Cookie x=1.png"),
        ("\u202egpj.exe", "gpj.exe"),
        ('<img src=x onerror="a">.png', "img src=x onerror= a .png"),
        ("x" * 300 + ".jpeg", "x" * 115 + ".jpeg"),
        ("...", "file"),
        ("", "file"),
    ],
)
def test_a_name_is_only_a_name(given, kept):
    assert magic.harmless_name(given) == kept


def test_a_person_adds_so_many_files_a_day_and_deleting_does_not_make_room(monkeypatch, monday):
    monkeypatch.setattr(service, "MOST_FILES_A_DAY", 2)
    jiwoo = person()
    for _ in range(2):
        service.remove(jiwoo, service.receive(jiwoo, io.BytesIO(picture()), "a.jpg").key)
    with pytest.raises(errors.DayFull):
        service.receive(jiwoo, io.BytesIO(picture()), "a.jpg")
    assert receive(picture()).kind is Kind.PICTURE  # someone else's day


def test_a_person_adds_so_many_bytes_a_day(monkeypatch):
    content = picture()
    monkeypatch.setattr(service, "MOST_BYTES_A_DAY", 2 * len(content) + 1)
    jiwoo = person()
    for _ in range(2):
        service.receive(jiwoo, io.BytesIO(content), "a.jpg")
    with pytest.raises(errors.DayFull):
        service.receive(jiwoo, io.BytesIO(content), "a.jpg")
