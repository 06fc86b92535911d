"""What is shown of a file, made anew from what was sent."""

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from marketplace.civic.uploads.errors import REFUSALS
from marketplace.civic.uploads.models import WIDTHS, Kind, State, Upload
from marketplace.civic.uploads.service import confined, magic, recording
from marketplace.kernel import db, storage
from marketplace.kernel.errors import Invalid

SECONDS = 60

Facts = dict[str, Any]


def prepare(upload_id: int) -> None:
    """Look into a file, make what is shown of it, and delete what was sent.

    It takes a while, so it holds no transaction that anyone waits for: what was made is put in place first, then the
    row says so. Done twice, it does no harm.
    """
    upload = db.session.get(Upload, upload_id)
    if upload is None:
        return
    if upload.state is State.WAITING:
        _settle(upload, _make(upload))
    storage.store().delete(upload.stored("original"))


def _make(upload: Upload) -> Facts:
    """What the row is to say: that it is ready, how large and how long; or why it is refused."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with storage.store().open(upload.stored("original")) as sent, (folder / "original").open("wb") as file:
            shutil.copyfileobj(sent, file, 1 << 20)
        try:
            facts = MAKERS[upload.kind](folder)
        except Invalid as refusal:
            return {"state": State.REFUSED, "refusal": refusal.code}
        for part in upload.shown_as:
            with (folder / part).open("rb") as made:
                storage.store().put(upload.stored(part), made)
        return {"state": State.READY, **facts}


def _picture(folder: Path) -> Facts:
    files = [folder / name for name in ("original", *WIDTHS)]
    numbers = [str(number) for number in (*WIDTHS.values(), magic.MOST_PIXELS)]
    return _told(confined.script("picture.py", *files, *numbers, seconds=SECONDS))


def _document(folder: Path) -> Facts:
    return _told(confined.script("document.py", folder / "original", folder / "file", seconds=SECONDS))


def _recording(folder: Path) -> Facts:
    return recording.make(folder / "original", folder / "play")


def _told(said: bytes) -> Facts:
    facts: Facts = json.loads(said)
    if "refusal" in facts:
        raise REFUSALS[facts["refusal"]]
    return facts


MAKERS: dict[Kind, Callable[[Path], Facts]] = {
    Kind.PICTURE: _picture, Kind.DOCUMENT: _document, Kind.RECORDING: _recording
}  # fmt: skip


def _settle(upload: Upload, facts: Facts) -> None:
    """Put it down, unless the file was deleted meanwhile: then what was made goes again."""
    waiting = sa.update(Upload).where(Upload.id == upload.id, Upload.state == State.WAITING)
    with db.separate() as own:
        there = own.execute(waiting.values(**facts).returning(Upload.id)).first()
    if there is None:
        for part in upload.shown_as:
            storage.store().delete(upload.stored(part))
