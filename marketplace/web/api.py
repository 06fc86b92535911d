"""JSON doors: a view behind @endpoint is asked by schema and answers by schema; web/openapi.py describes it."""

import base64
import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import wraps
from typing import Any, TypeVar

from flask import Response, abort, request
from marshmallow import Schema, ValidationError, fields, validate
from werkzeug.datastructures import MultiDict

from marketplace.kernel.errors import Conflict, DomainError, Invalid
from marketplace.kernel.words import Text, _, _l, _m
from marketplace.web.errors import TITLES
from marketplace.web.pages import with_query

Row = TypeVar("Row")
Key = tuple[Any, ...]

JSON, GEOJSON = "application/json", "application/geo+json"
LARGEST_ID = 2**31 - 1
MOST_ITEMS = 100

Schema.error_messages = {"unknown": _m("There is no such question or field here.")}
fields.List.default_error_messages = {"invalid": _m("Send a list.")}
fields.Enum.default_error_messages = {"unknown": _m("Choose one of: {choices}.")}


class NotJson(Invalid):
    """A body that no program can read."""

    status = 400
    title = TITLES[400]
    message = _l("The body is not JSON: {reason}")


class Unreadable(Invalid):
    """Questions or a body of another shape than asked for; `errors` tells field by field."""

    message = _l("Some of what was sent cannot be right; see errors.")


class ReadAgain(Conflict):
    """The thing is no longer what the program read."""

    status = 412
    message = _l("This has changed since you read it. Read it again, then decide.")


class Nothing(Schema):
    """No questions at all."""


class Paging(Schema):
    """Which stretch of a long list to send."""

    limit = fields.Integer(
        load_default=20,
        validate=validate.Range(1, MOST_ITEMS),
        metadata={"description": _l("How many items to send at most.")},
    )
    cursor = fields.String(
        validate=validate.Length(1, 500),
        metadata={"description": _l("Where to go on: `next` of the answer before. It is not meant to be read.")},
    )


class FeatureRecord(Schema):
    """A place with what is known about it (RFC 7946)."""

    type = fields.Constant("Feature", metadata={"enum": ["Feature"], "type": "string"})
    id = fields.Integer()
    properties = fields.Dict()
    geometry = fields.Dict()


class FeatureCollectionRecord(Schema):
    """Places for a map (RFC 7946), in degrees: longitude, then latitude."""

    type = fields.Constant("FeatureCollection", metadata={"enum": ["FeatureCollection"], "type": "string"})
    features = fields.List(fields.Nested(FeatureRecord))


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of a list; `last` is the position of its last item if there is more."""

    items: Sequence[Any]
    last: Key | None = None


@dataclass(frozen=True, slots=True)
class Created:
    """Something new, and its address."""

    thing: Any
    location: str


class With:
    """A record with more to tell than its own."""

    def __init__(self, record: Any, **more: Any) -> None:
        self._record = record
        self.__dict__.update(more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._record, name)


@dataclass(frozen=True, slots=True)
class Operation:
    """What a route takes and gives."""

    summary: Text
    tag: Text
    query: Schema
    body: Schema | None
    answer: type[Schema] | None
    status: int
    paged: tuple[type, ...]
    media: str
    refuses: tuple[type[DomainError], ...]
    explain: Mapping[str, Text]


def endpoint(
    *,
    summary: Text,
    tag: Text,
    query: type[Schema] = Nothing,
    body: type[Schema] | None = None,
    answer: type[Schema] | None = None,
    status: int = 200,
    paged: tuple[type, ...] = (),
    media: str = JSON,
    refuses: Sequence[type[DomainError]] = (),
    explain: Mapping[str, Text] | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Response]]:
    """Let a view answer programs: it is called with what the schemas read, and gives what `answer` writes.

    paged    for a list: the types of the values that make up a position in it. The view is called with `limit` and
             `after`, a position or None, and gives a Page.
    refuses  the refusals that a program should be ready for, beside those of every route.
    explain  what questions mean where their schema does not say it.
    """
    asked = type(query.__name__, (Paging, query), {}) if paged else query
    operation = Operation(
        summary, tag, asked(), _strict(body()) if body else None, answer, status, paged, media, tuple(refuses),
        explain or {},
    )  # fmt: skip

    def wrap(view: Callable[..., Any]) -> Callable[..., Response]:
        @wraps(view)
        def read_and_answer(**path: Any) -> Response:
            return _answer(operation, view(**path, **_read(operation)))

        read_and_answer.operation = operation  # type: ignore[attr-defined]
        return read_and_answer

    return wrap


def cut(rows: Sequence[Row], limit: int, key: Callable[[Row], Key]) -> Page:
    """The first rows as a page, if one row more than the limit was fetched to see whether there is more."""
    return Page(rows[:limit], key(rows[limit - 1]) if len(rows) > limit else None)


def expect_unchanged(schema: type[Schema], thing: Any) -> None:
    """Go on only if If-Match, where it is sent, names the thing as it is. Raises ReadAgain."""
    if request.if_match and not request.if_match.contains(_tag(_written(schema().dump(thing)))):
        raise ReadAgain


# --- reading ---


def _strict(schema: Schema) -> Schema:
    """JSON has numbers: 60.9 or "60" is not a whole one."""
    for field in schema.fields.values():
        if isinstance(field, fields.Integer):
            field.strict = True
    return schema


def _read(operation: Operation) -> dict[str, Any]:
    given = _load(operation.query, _questions(operation.query, request.args))
    if operation.body is not None:
        given |= _load(operation.body, _json())
    if operation.paged:
        cursor = given.pop("cursor", None)
        given["after"] = _position(cursor, operation.paged) if cursor else None
    return given


def _questions(schema: Schema, source: MultiDict[str, str]) -> dict[str, Any]:
    lists = {field.data_key or name for name, field in schema.fields.items() if isinstance(field, fields.List)}
    return {key: values if key in lists or len(values) > 1 else values[0] for key, values in source.lists()}


def _json() -> Any:
    if request.mimetype != JSON:
        abort(415)
    try:
        sent = json.loads(request.get_data(), parse_constant=_refuse_constant)
    except json.JSONDecodeError as failure:
        raise NotJson(reason=_l("line {line}, column {column}.", line=failure.lineno, column=failure.colno)) from None
    except (ValueError, RecursionError):
        raise NotJson(reason=_l("it holds something that JSON does not allow.")) from None
    if not isinstance(sent, dict):  # what makes sense of a form before it is read counts on one
        raise Unreadable(errors={"body": [_("Send a JSON object.")]})
    return sent


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _load(schema: Schema, given: Any) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = schema.load(given)
    except ValidationError as failure:
        raise Unreadable(errors=_by_field(failure.normalized_messages())) from None
    if unwritable := {name: [_("This text cannot be read.")] for name in given if not _is_text(given[name])}:
        raise Unreadable(errors=unwritable)
    return loaded


def _is_text(value: Any) -> bool:
    """Whether a database can hold it: no NUL, no half of a character."""
    return not isinstance(value, str) or ("\0" not in value and not any("\ud800" <= sign <= "\udfff" for sign in value))


def _by_field(messages: Mapping[Any, Any]) -> dict[str, list[str]]:
    return {"body" if name == "_schema" else _writable(name): list(_sentences(told)) for name, told in messages.items()}


def _writable(name: Any) -> str:
    return str(name).encode("utf-8", "replace").decode()


def _sentences(messages: Any) -> Iterator[str]:
    if isinstance(messages, Mapping | list):
        for inner in messages.values() if isinstance(messages, Mapping) else messages:
            yield from _sentences(inner)
    else:
        yield str(Text(str(messages)))


# --- positions in a list ---


def _cursor(position: Key) -> str:
    values = [value.isoformat() if isinstance(value, date) else value for value in position]
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def _position(cursor: str, kinds: tuple[type, ...]) -> Key:
    try:
        values = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        return tuple(_value(kind, value) for kind, value in zip(kinds, values, strict=True))
    except (ValueError, TypeError, OverflowError):
        sentence = _("Send `next` of an answer as it is, with the same questions.")
        raise Unreadable(errors={"cursor": [sentence]}) from None


def _value(kind: Any, value: Any) -> Any:
    if kind is datetime:
        return datetime.fromisoformat(value).astimezone(UTC)
    if kind is date:
        return date.fromisoformat(value)
    if type(value) is not kind or not _is_text(value):
        raise ValueError("of another kind")
    if (kind is int and not 0 <= value <= LARGEST_ID) or (kind is float and not math.isfinite(value)):
        raise ValueError("out of range")
    return value


# --- answering ---


def _written(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _tag(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:32]


def _answer(operation: Operation, given: Any) -> Response:
    if operation.answer is None:
        return Response(status=operation.status)
    headers = {}
    if isinstance(given, Created):
        headers["Location"], given = given.location, given.thing
    if isinstance(given, Page):
        following = _cursor(given.last) if given.last else None
        content: Any = {"items": operation.answer(many=True).dump(given.items), "next": following}
        if following:
            headers["Link"] = f'<{with_query(cursor=following)}>; rel="next"'
    else:
        content = operation.answer().dump(given)
    body = _written(content)
    response = Response(body, operation.status, headers, content_type=operation.media)
    response.set_etag(_tag(body))
    response.vary.update(("Authorization", "Accept-Language"))
    response.make_conditional(request)
    return response
