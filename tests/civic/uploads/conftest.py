"""Files made for the tests, as cameras, browsers and attackers make them."""

import io
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pikepdf
import pillow_heif
import pytest
from PIL import Image

from marketplace.civic.accounts.models import Person
from marketplace.civic.uploads import service
from marketplace.civic.uploads.models import Upload
from marketplace.kernel import db, jobs, storage, things
from marketplace.kernel.words import _l

CANARY = "CANARY-37.5665"
"""What nothing that is shown may hold."""


@pytest.fixture(autouse=True)
def store(tmp_path: Path, app: object) -> Iterator[storage.Store]:
    """A directory of the test's own."""
    before, own = storage.store(), storage.Directory(tmp_path / "files")
    storage.use(own)
    yield own
    storage.use(before)


@pytest.fixture
def notes() -> Iterator[dict[int, frozenset[int]]]:
    """Things to attach files to: by number, who may see each."""
    there: dict[int, frozenset[int]] = {}
    before = dict(things._kinds)
    things.register(
        things.Kind(
            "note",
            _l("Note"),
            find=lambda ids: {number: number for number in ids if number in there},
            title=lambda number: f"Note {number}",
            link=lambda number: f"/notes/{number}",
            may_see=lambda person, number: person is not None and person.id in there[number],
            author_id=lambda _number: None,
        )
    )
    yield there
    things._kinds.clear()
    things._kinds.update(before)


@pytest.fixture
def add():
    """Have a person add a file, and the job done on it."""

    def make(person: Person, content: bytes, name: str = "file", **options) -> Upload:
        upload = service.receive(person, io.BytesIO(content), name, **options)
        db.session.commit()
        jobs.run_pending()
        for record in db.session:  # what a request forgets afterwards can still be read
            db.session.refresh(record)
        return upload

    return make


def stored(upload: Upload, part: str) -> bytes:
    with storage.store().open(upload.stored(part)) as file:
        return file.read()


def names() -> list[str]:
    """What lies in the storage."""
    return [name for name, _written in storage.store().written("")]


def image(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def picture(
    form: str = "JPEG", size: tuple[int, int] = (640, 480), colour: str = "teal", mode: str = "RGB", **more
) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, colour).save(out, form, **more)
    return out.getvalue()


def telling_picture() -> bytes:
    """A JPEG from a camera held sideways: left half red, with the place, the maker, a comment and a thumbnail."""
    shown = Image.new("RGB", (600, 400), "blue")
    shown.paste((255, 0, 0), (0, 0, 300, 400))
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x010E] = 6, CANARY, CANARY
    exif.get_ifd(0x8825).update({1: "N", 2: (37.0, 33.0, 59.4), 3: "E", 4: (126.0, 58.0, 40.8), 29: CANARY})
    out = io.BytesIO()
    shown.save(out, "JPEG", exif=exif, comment=CANARY.encode(), icc_profile=CANARY.encode() * 10, quality=95)
    return out.getvalue()


def heic(size: tuple[int, int] = (320, 200)) -> bytes:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = CANARY
    pillow_heif.from_pillow(Image.new("RGB", size, "green")).save(out, exif=exif.tobytes(), quality=60)
    return out.getvalue()


def document(**root: object) -> pikepdf.Pdf:
    made = pikepdf.new()
    made.add_blank_page(page_size=(200, 200))
    for name, value in root.items():
        made.Root[f"/{name}"] = value
    return made


def pdf(made: pikepdf.Pdf | None = None, **options) -> bytes:
    out = io.BytesIO()
    (made or document()).save(out, **options)
    return out.getvalue()


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory):
    """A recording by ffmpeg: container, seconds, whether it has a picture; each made once."""
    folder = tmp_path_factory.mktemp("recordings")
    if not shutil.which("ffmpeg"):
        pytest.skip("needs: ffmpeg")

    def make(container: str = "mp4", seconds: float = 2, *, video: bool = True, more: tuple[str, ...] = ()) -> bytes:
        file = folder / f"{abs(hash((container, seconds, video, more)))}.{container}"
        if not file.exists():
            sound = ["-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}"]
            seen = ["-f", "lavfi", "-i", f"testsrc=size=160x120:rate=10:duration={seconds}"] if video else []
            codecs = {
                "mp4": ["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"],
                "webm": ["-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus"],
            }[container]
            telling = ["-metadata", f"comment={CANARY}", "-metadata", f"title={CANARY}"]
            command = ["ffmpeg", "-v", "error", "-y", *seen, *sound, *codecs, *telling, *more, str(file)]
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        return file.read_bytes()

    return make
