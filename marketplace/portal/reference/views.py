"""The API as a page that people read and as OpenAPI that programs read, both from one description."""

import json
from typing import Any

from flask import Blueprint, Response, current_app, request

from marketplace.kernel.words import _
from marketplace.web import openapi
from marketplace.web.access import public
from marketplace.web.pages import page

bp = Blueprint("reference", __name__)

NAMED = "#/components/schemas/"
METHODS = ("get", "post", "patch", "delete")


@bp.get("/api/openapi.json")
@public
def description() -> Response:
    """OpenAPI 3.1."""
    body = json.dumps(openapi.describe(current_app), ensure_ascii=False, indent=1)
    response = Response(body, content_type="application/json")
    response.add_etag()
    response.make_conditional(request)
    return response


@bp.get("/api")
@public
def reference() -> Response:
    """What programs may ask, operation by operation."""
    spec = openapi.describe(current_app)
    return page(
        "portal/reference/reference.html",
        groups=_groups(spec),
        records=[(name, _fields(schema)) for name, schema in sorted(spec["components"]["schemas"].items())],
        problems=openapi.problems(current_app),
    )


def _groups(spec: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The operations by the thing they are about, in the order of their addresses."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for address, methods in spec["paths"].items():
        for method in filter(methods.get, METHODS):
            operation = methods[method]
            groups.setdefault(operation["tags"][0], []).append(_operation(spec, address, method, operation))
    return groups


def _operation(spec: dict[str, Any], address: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    parameters = [_resolved(spec, parameter) for parameter in operation["parameters"]]
    status, answer = next((status, told) for status, told in operation["responses"].items() if status < "300")
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "address": address,
        "summary": operation["summary"],
        "needs_token": {} not in operation["security"],
        "parameters": [
            (one["name"], _sentence(one["schema"], one.get("required", False), one.get("description", "")))
            for one in parameters
        ],
        "body": _kind(_content(operation.get("requestBody"))),
        "answer": f"{status} {_kind(_content(answer))}",
        "problems": [code for told in operation["responses"].values() for code in told.get("x-problems", ())],
    }


def _resolved(spec: dict[str, Any], parameter: dict[str, Any]) -> dict[str, Any]:
    name = parameter.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = spec["components"]["parameters"][name] if name else parameter
    return found


def _content(told: dict[str, Any] | None) -> dict[str, Any]:
    for content in (told or {}).get("content", {}).values():
        return dict(content["schema"])
    return {}


def _fields(schema: dict[str, Any]) -> list[tuple[str, str]]:
    required = schema.get("required", ())
    return [
        (name, _sentence(of, name in required, of.get("description", "")))
        for name, of in schema.get("properties", {}).items()
    ]


def _sentence(schema: dict[str, Any], required: bool, description: str) -> str:
    """A field in words: its kind, what it may be, what it means."""
    kind = _kind(schema)
    if choices := [str(value) for value in schema.get("enum", ()) if value is not None]:
        kind = f"{kind}: {', '.join(choices)}"
    if "minimum" in schema and "maximum" in schema:
        kind = f"{kind} {schema['minimum']}–{schema['maximum']}"
    if "default" in schema:
        kind = f"{kind}, = {schema['default']}"
    if not required:
        kind = f"{kind}, " + _("may be left out")  # not within the f-string, where Babel does not find it
    return f"{kind}. {description}".strip()


def _kind(schema: dict[str, Any]) -> str:
    """A schema in a few words, as programmers write types."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(NAMED)
    if "anyOf" in schema:
        return " | ".join(_kind(one) for one in schema["anyOf"])
    kind = schema.get("type", "")
    if kind == "array":
        return f"{_kind(schema['items'])}[]"
    if kind == "object" and "properties" in schema:
        return f"{{{', '.join(f'{name}: {_kind(of)}' for name, of in schema['properties'].items())}}}"
    if isinstance(kind, list):
        return " | ".join(kind)
    form = schema.get("format")
    return f"{kind} ({form})" if form else str(kind)
