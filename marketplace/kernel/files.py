"""Files that come with a form: the field that takes them, and who receives them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from marshmallow import fields


class Files(fields.List[int]):
    """A form's field of files. As data it is the ids of what was received.

    kinds   what may come, in words of the feature that receives it
    most    how many, those received before included

    To let a form take files, in one step with its words:

        schema      pictures = Files(Kind.PICTURE, Kind.RECORDING, most=5)
        view        @residents @takes_files, and in `with Form(...)`, once the thing is made:
                    uploads.service.attach(person, form.data["pictures"], "message:17", most=5)
        template    <form method="post" enctype="multipart/form-data">, and in it
                    {{ upload_field(form, "pictures", _("Pictures"), record="audio") }}
        showing     {{ shown(uploads.queries.of_subjects(["message:17"])["message:17"]) }}

    A refused form keeps what arrived: it stands on the page, ticked, and is not sent again.
    """

    def __init__(self, *kinds: str, most: int = 5, **options: Any) -> None:
        super().__init__(fields.Integer(), load_default=list, **options)
        self.kinds, self.most = frozenset(kinds), most


@dataclass(frozen=True, slots=True)
class Arriving:
    """A file as a browser sends it: what it is called there, and what is in it."""

    name: str
    stream: BinaryIO


@dataclass(slots=True)
class Received:
    """What became of a field's files: records with an id and a name, and sentences about those refused."""

    records: list[Any] = field(default_factory=list)
    refusals: list[object] = field(default_factory=list)


Receiver = Callable[[Any, Files, list[int], list[Arriving]], Received]

_receiver: Receiver | None = None


def receive_with(receiver: Receiver) -> Receiver:
    """Have files received so: person, field, ids of those received before, those arriving → what became of them."""
    global _receiver
    _receiver = receiver
    return receiver


def receive(person: Any, field: Files, kept: list[int], arriving: list[Arriving]) -> Received:
    """Receive the files of a form's field."""
    if _receiver is None:
        raise LookupError("nobody receives files")
    return _receiver(person, field, kept, arriving)
