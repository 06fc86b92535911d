"""The description of the JSON doors (OpenAPI 3.1), made from the schemas that they read and write with."""

import json
import re
from collections.abc import Iterable
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.common import resolve_schema_cls
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from flask import Flask
from marshmallow import Schema, fields
from werkzeug.http import HTTP_STATUS_CODES

from marketplace.kernel.errors import DomainError, Forbidden, NotFound
from marketplace.kernel.words import Text, _l
from marketplace.web import once
from marketplace.web.access import SAFE_METHODS, mark_of
from marketplace.web.api import JSON, NotJson, Operation, ReadAgain, Unreadable
from marketplace.web.errors import CHANGED, SENTENCES, TITLES, code_of

PROBLEM = "application/problem+json"
CREATED = 201
"""The answer to what makes something new; all else that is not read alone changes what was read before."""

EVERYWHERE: tuple[type[DomainError], ...] = (
    NotJson, Unreadable, ReadAgain, NotFound, Forbidden, once.OtherRequest, once.KeyTooLong,
)  # fmt: skip
"""What any route may refuse."""

HEADERS: dict[str, tuple[str, Text]] = {
    "if_none_match": ("If-None-Match", _l("The ETag of what you have: if it is still the same, the answer is 304.")),
    "if_match": ("If-Match", _l("The ETag of what you read: if it is no longer the same, nothing is done.")),
    "idempotency_key": (
        "Idempotency-Key",
        _l("Any word of yours: if the same request is sent again with it, it gets the first answer and does nothing."),
    ),
}


class Problem(Schema):
    """What went wrong (RFC 9457). A program reads the end of `type`, a person `detail`."""

    type = fields.String(required=True, metadata={"description": _l("The address at which this refusal is explained.")})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True, metadata={"description": _l("One sentence in the language asked for.")})
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"description": _l("What is wrong with each field.")},
    )
    alternatives = fields.Dict(metadata={"description": _l("What else would do: other times, other rooms.")})
    earliest = fields.String(
        metadata={
            "description": _l("The first moment, or of a loan the first day, from which the broken rule would be kept.")
        }
    )


def operations(app: Flask) -> Iterable[tuple[str, str, str, Operation]]:
    """(address, method, endpoint, operation) of every JSON door."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        operation = getattr(app.view_functions[rule.endpoint], "operation", None)
        if operation is not None:
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule.rule, method, rule.endpoint, operation


def describe(app: Flask) -> dict[str, Any]:
    """The API as OpenAPI 3.1, in the language of the reader."""
    if "openapi" not in app.extensions:
        app.extensions["openapi"] = _describe(app)
    said: dict[str, Any] = json.loads(json.dumps(app.extensions["openapi"], default=str))
    return said


def _describe(app: Flask) -> dict[str, Any]:
    marshmallow = MarshmallowPlugin(schema_name_resolver=_component_name)
    spec = APISpec(
        "Maeul",
        "1",
        "3.1.0",
        plugins=[marshmallow],
        info={
            "description": _l("What the city shares, for programs."),
            "license": {"name": "AGPL-3.0-or-later", "identifier": "AGPL-3.0-or-later"},
        },
        servers=[{"url": "/"}],
    )
    converter = marshmallow.converter
    assert converter is not None  # noqa: S101 - made by APISpec
    converter.add_attribute_function(_clock_times)
    spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    for name, (header, description) in HEADERS.items():
        schema = {"type": "string", "maxLength": once.LONGEST_KEY} if name == "idempotency_key" else {"type": "string"}
        spec.components.parameter(name, "header", {"name": header, "description": description, "schema": schema})
    spec.components.schema("Problem", schema=Problem)
    for address, method, name, operation in operations(app):
        mark = mark_of(app, name)
        everyone = mark is not None and mark.everyone
        content = _describe_operation(converter, address, method, name, operation, everyone)
        spec.path(re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", address), operations={method.lower(): content})
    whole = spec.to_dict()
    del whole["components"]["schemas"]["Problem"]["additionalProperties"]
    for record in _record_names(app):
        component = whole["components"]["schemas"][record]
        component["required"] = list(component["properties"])
        del component["additionalProperties"]  # a record may come to tell more
    return whole


def _component_name(schema: Any) -> str:
    return resolve_schema_cls(schema).__name__.removesuffix("Record")  # type: ignore[union-attr]


def _record_names(app: Flask) -> set[str]:
    """The schemas only ever written, each with all its fields."""
    found: set[type[Schema]] = set()

    def look_into(schema: type[Schema]) -> None:
        found.add(schema)
        for field in schema().fields.values():
            inner = field.inner if isinstance(field, fields.List) else field
            if isinstance(inner, fields.Nested) and type(inner.schema) not in found:
                look_into(type(inner.schema))

    for *_where, operation in operations(app):
        if operation.answer is not None:
            look_into(operation.answer)
    return {_component_name(schema) for schema in found}


def _clock_times(_converter: Any, field: fields.Field[Any], **_more: Any) -> dict[str, Any]:
    return {"format": "HH:MM", "example": "14:00"} if isinstance(field, fields.Time) else {}


def _describe_operation(
    converter: OpenAPIConverter, address: str, method: str, name: str, operation: Operation, everyone: bool
) -> dict[str, Any]:
    parameters: list[dict[str, Any] | str] = [
        {"in": "path", "name": argument, "required": True, "schema": {"type": "integer" if kind else "string"}}
        for kind, argument in re.findall(r"<(int:)?(\w+)>", address)
    ]
    parameters += _query_parameters(converter, operation)
    if method in SAFE_METHODS:
        parameters.append("if_none_match")
    else:
        parameters += ["idempotency_key"] if operation.status == CREATED else ["idempotency_key", "if_match"]
    content: dict[str, Any] = {
        "operationId": name.rpartition(".")[2],
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": parameters,
        "responses": _responses(address, method, operation, everyone),
        "security": [{}, {"bearer": []}] if everyone else [{"bearer": []}],
    }
    if operation.body is not None:
        content["requestBody"] = {"required": True, "content": {JSON: {"schema": type(operation.body)}}}
    return content


def _query_parameters(converter: OpenAPIConverter, operation: Operation) -> list[dict[str, Any]]:
    found = converter.schema2parameters(operation.query, location="query")
    for parameter in found:
        if explanation := operation.explain.get(parameter["name"]):
            parameter["description"] = explanation
    return sorted(found, key=lambda parameter: parameter["name"] in ("limit", "cursor"))


def _responses(address: str, method: str, operation: Operation, everyone: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"description": operation.summary}
    if operation.answer is not None:
        schema: Any = operation.answer
        if operation.paged:
            schema = {
                "type": "object",
                "required": ["items", "next"],
                "properties": {
                    "items": {"type": "array", "items": operation.answer},
                    "next": {"type": ["string", "null"]},
                },
            }
        headers = [
            "ETag",
            *(["Location"] if operation.status == CREATED else []),
            *(["Link"] if operation.paged else []),
        ]
        told["content"] = {operation.media: {"schema": schema}}
        told["headers"] = {header: {"schema": {"type": "string"}} for header in headers}
    responses = {str(operation.status): told}
    if method in SAFE_METHODS:
        responses["304"] = {"description": _l("It is still what you have.")}
    for status, codes in sorted(_refusals(address, method, operation, everyone).items()):
        responses[str(status)] = _problem(TITLES.get(status, TITLES[409])) | {"x-problems": sorted(codes)}
    return responses | {"default": _problem(_l("Any other refusal."))}


def _problem(description: Text) -> dict[str, Any]:
    return {"description": description, "content": {PROBLEM: {"schema": Problem}}}


def _refusals(address: str, method: str, operation: Operation, everyone: bool) -> dict[int, set[str]]:
    """The codes of what a route refuses, by status."""
    found: dict[int, set[str]] = {422: {"unreadable"}}
    if not everyone:
        found[401] = {"unauthorized"}
    if "<" in address:
        found[404] = {"not_found"}
    if operation.body is not None:
        found |= {400: {"not_json"}, 413: {"request_entity_too_large"}, 415: {"unsupported_media_type"}}
    if method not in SAFE_METHODS:
        found[409] = {once.OtherRequest().code}
    if method not in SAFE_METHODS and operation.status != CREATED:
        found[412] = {ReadAgain().code}
    for refusal in operation.refuses:
        found.setdefault(refusal.status, set()).add(refusal().code)
    return found


def problems(app: Flask) -> list[tuple[str, int, str]]:
    """(code, status, sentence) of every refusal that a program may meet, by code; {parts} stand as they are."""
    own = {*EVERYWHERE, *(refusal for *_where, operation in operations(app) for refusal in operation.refuses)}
    found = {refusal().code: (refusal.status, str(refusal.message)) for refusal in own}
    for status, sentence in SENTENCES.items():
        code = {500: "broken", 503: "busy"}.get(status, code_of(HTTP_STATUS_CODES[status]))
        found.setdefault(code, (status, str(sentence)))
    found["changed_meanwhile"] = 409, str(CHANGED)
    return sorted((code, status, sentence) for code, (status, sentence) in found.items())
