"""Forms: one marshmallow schema reads what was typed; what is wrong is said beside it, and nothing typed is lost."""

import secrets
from types import TracebackType
from typing import Any

from flask import Response, request
from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate
from sqlalchemy.orm import SessionTransaction

from marketplace.kernel import db, files
from marketplace.kernel.errors import DomainError, Forbidden, NotFound
from marketplace.kernel.files import Arriving, Files
from marketplace.kernel.words import _, _m
from marketplace.web import security
from marketplace.web.access import current_person
from marketplace.web.pages import page

KEY = "_key"


def _speak() -> None:
    """Give marshmallow's own refusals sentences of ours, in the language of the reader."""
    messages: dict[type[fields.Field[Any]], dict[str, str]] = {
        fields.Field: {
            "required": _m("Enter this."),
            "null": _m("Enter this."),
            "validator_failed": _m("This cannot be right."),
        },
        fields.String: {
            "invalid": _m("Enter text."),
            "invalid_utf8": _m("This text cannot be read."),
        },
        fields.Integer: {"invalid": _m("Enter a whole number.")},
        fields.Number: {
            "invalid": _m("Enter a number."),
            "too_large": _m("This number is too large."),
        },
        fields.Float: {"special": _m("Enter a number.")},
        fields.Boolean: {"invalid": _m("Answer yes or no.")},
        fields.Date: {
            "invalid": _m("Enter a date, such as 2027-06-04."),
            "format": _m("Enter a date, such as 2027-06-04."),
        },
        fields.Time: {
            "invalid": _m("Enter a time, such as 14:00."),
            "format": _m("Enter a time, such as 14:00."),
        },
        fields.DateTime: {
            "invalid": _m("Enter a date and time, such as 2027-06-04T14:00+09:00."),
            "invalid_awareness": _m("Say which time zone this time is in, such as 2027-06-04T14:00+09:00."),
            "format": _m("Enter a date and time, such as 2027-06-04T14:00+09:00."),
        },
        fields.Email: {
            "invalid": _m("Enter an e-mail address, such as name@example.org."),
        },
    }
    for kind, own in messages.items():
        kind.default_error_messages = kind.default_error_messages | own
    validate.Length.message_min = _m("Enter at least {min} characters.")
    validate.Length.message_max = _m("Enter at most {max} characters.")
    validate.Length.message_all = _m("Enter {min} to {max} characters.")
    validate.Length.message_equal = _m("Enter exactly {equal} characters.")
    validate.Range.message_min = _m("Enter {min} or more.")
    validate.Range.message_max = _m("Enter {max} or less.")
    validate.Range.message_all = _m("Enter a number from {min} to {max}.")
    validate.OneOf.default_message = _m("Choose one of the answers offered.")
    validate.Email.default_message = _m("Enter an e-mail address, such as name@example.org.")
    validate.Regexp.default_message = _m("This is not written as it must be.")


_speak()


def typed_fields(schema: Schema, source: Any) -> dict[str, Any]:
    """What a form sent, as the schema expects it: lists where it wants lists, nothing where nothing was typed.

    Spaces around are not meant, but in a password: its field says so in its metadata.
    """
    typed: dict[str, Any] = {}
    for name, field in schema.load_fields.items():
        key = field.data_key or name
        if isinstance(field, fields.List):
            typed[key] = [value for text in source.getlist(key) if (value := text.strip())]
        elif field.metadata.get("as_typed"):
            if text := source.get(key, ""):
                typed[key] = text
        elif isinstance(field, fields.Boolean):
            typed[key] = source.get(key, "").strip() or False
        elif value := source.get(key, "").strip():
            typed[key] = value
    if unreadable := [key for key in typed if any("\0" in text for text in source.getlist(key))]:
        raise ValidationError({key: [_("This text cannot be read.")] for key in unreadable})
    return typed


class Form:
    """What a person filled in. Within the block, `submitted` means sent and readable; a refusal ends up on the page."""

    def __init__(self, schema: Schema, *, method: str = "POST", **defaults: Any) -> None:
        self.schema = schema
        self.sent = request.method == "POST" if method == "POST" else bool(request.args)
        self.source = request.form if method == "POST" else request.args
        self.defaults = defaults
        self.data: dict[str, Any] = {}
        self.errors: list[tuple[str | None, str]] = []
        self.status = 200
        self.refusal: DomainError | None = None
        self.files: dict[str, list[Any]] = {}
        self.key = (request.form.get(KEY) if self.sent else None) or secrets.token_urlsafe(16)
        self._savepoint: SessionTransaction | None = None
        if self.sent:
            self._read()
            self._receive()

    def _read(self) -> None:
        try:
            self.data = self.schema.load(typed_fields(self.schema, self.source), unknown=EXCLUDE)
        except ValidationError as failure:
            self.status = 422
            self.data = self._files_among(failure.valid_data)
            for name, messages in failure.normalized_messages().items():
                for message in _flat(messages):
                    self.refuse(None if name == "_schema" else name, message)

    def _files_among(self, readable: Any) -> dict[str, Any]:
        """Of a form that could not be read as a whole nothing counts, but the files that came with it."""
        known = self.schema.load_fields if isinstance(readable, dict) else {}
        return {name: readable[name] for name, field in known.items() if isinstance(field, Files) and name in readable}

    def _receive(self) -> None:
        """Take in the files that came along, whatever else is wrong: on the form's page they need not be sent again."""
        for name, field in self.schema.load_fields.items():
            if isinstance(field, Files):
                sent = [Arriving(file.filename, file.stream) for file in request.files.getlist(name) if file.filename]  # type: ignore[arg-type]
                received = files.receive(current_person(), field, self.data.get(name, []), sent)
                self.files[name] = received.records
                self.data[name] = [record.id for record in received.records]
                for sentence in received.refusals:
                    self.refuse(name, sentence)

    @property
    def submitted(self) -> bool:
        """Whether it was sent and can be read."""
        return self.sent and not self.errors

    def refuse(self, field: str | None, sentence: object) -> None:
        """Say what is wrong, beside a field or above the whole form."""
        self.errors.append((field, str(sentence)))
        self.status = max(self.status, 422)

    def value(self, name: str) -> Any:
        """What stands in a field: as typed, or as it was before."""
        if self.sent:
            field = self.schema.fields.get(name)
            return self.source.getlist(name) if isinstance(field, fields.List) else self.source.get(name, "")
        default = self.defaults.get(name)
        return "" if default is None else default

    def error(self, name: str) -> str | None:
        """What is wrong with a field."""
        return next((text for field, text in self.errors if field == name), None)

    def page(self, template: str, **context: object) -> Response:
        """The page with the form on it."""
        response = page(template, form=self, **context)
        response.status_code = self.status
        if any(self.files.values()):
            security.keep()
        return response

    def __enter__(self) -> "Form":
        if self.submitted and request.method == "POST":
            self._savepoint = db.session.begin_nested()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, failure: BaseException | None, _trace: TracebackType | None
    ) -> bool:
        """Undo what a refusal left half done and keep the page; any other failure goes on its way."""
        if self._savepoint is None:
            return False
        if failure is None:
            self._savepoint.commit()
            return False
        self._savepoint.rollback()
        if not isinstance(failure, DomainError) or isinstance(failure, NotFound | Forbidden):
            return False
        field = failure.details.get("field")
        self.refuse(str(field) if field else None, failure.sentence)
        self.status = failure.status
        self.refusal = failure
        return True


def _flat(messages: Any) -> list[str]:
    if isinstance(messages, dict):
        return [text for inner in messages.values() for text in _flat(inner)]
    return [str(text) for text in (messages if isinstance(messages, list) else [messages])]
