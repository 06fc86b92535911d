"""What is done with files once a request is answered, what they say about people, and how long they are kept."""

from datetime import timedelta
from functools import partial
from typing import Any

from marketplace.civic.accounts.models import Person
from marketplace.civic.uploads import queries, service
from marketplace.civic.uploads.models import Upload
from marketplace.civic.uploads.service import making
from marketplace.kernel import db, hooks, jobs, storage
from marketplace.kernel.hooks import Extract
from marketplace.kernel.retention import Erased, Kept, register
from marketplace.kernel.words import _l

jobs.task("uploads.prepare", outside=True, lease=timedelta(minutes=15))(making.prepare)
jobs.task("uploads.discard", outside=True)(service.discard)
jobs.timed("uploads.sweep", every=timedelta(hours=1))(service.sweep)
jobs.timed("uploads.sweep_gone", every=timedelta(days=1), after=timedelta(hours=3))(service.sweep_gone)


@jobs.timed("uploads.sweep_files", every=timedelta(days=1), after=timedelta(hours=4))
def sweep_files() -> None:
    """Have the files deleted that no row names."""
    jobs.enqueue("uploads.discard_forgotten")


@jobs.task("uploads.discard_forgotten", outside=True, lease=timedelta(minutes=15))
def discard_forgotten() -> None:
    """Look through the whole storage, which may take a while: nobody's transaction waits for it."""
    service.discard(service.forgotten_files())


@hooks.personal_data.register
def extract(person: Person) -> Extract:
    """What a person added, and the files themselves as they are shown."""
    uploads = list(db.session.scalars(queries.of_person(person)))
    contents = {_file(one): partial(storage.store().open, one.stored(one.best)) for one in uploads if one.is_ready}
    return Extract("files", _l("Files you added"), [_row(one) for one in uploads], contents)


def _file(upload: Upload) -> str:
    return f"{upload.id}.{upload.shown_as[upload.best].rpartition('/')[2]}"


def _row(upload: Upload) -> dict[str, Any]:
    return {
        "name": upload.name,
        "kind": upload.kind.value,
        "state": upload.state.value,
        "bytes": upload.size,
        "seconds": upload.seconds,
        "belongs_to": upload.subject,
        "added_at": upload.created_at,
        "file": _file(upload) if upload.is_ready else None,
    }


hooks.erasing.register(service.erase)

register(
    Kept(
        "uploads",
        _l("Pictures, recordings and documents you added, without what they told of your device and place"),
        _l("so that they can be seen where you put them."),
        _l("As long as what they belong to; a day if they belong to nothing."),
        Erased.DELETED,
        job="uploads.sweep",
    ),
    Kept(
        "upload_days",
        _l("How many files, and how large, you added today and yesterday"),
        _l("so that nobody fills the city's storage."),
        _l("Two days: only the day counts."),
        Erased.DELETED,
        job="uploads.sweep",
    ),
)
