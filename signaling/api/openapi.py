"""The API's description in OpenAPI 3.1, made from the table of operations and the classes of `models`. Pure but for its route."""

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from signaling.api.models import ApiError
from signaling.api.operations import JSON, OPERATIONS, PREFIX, WITH_BODY, Operation, add_routes
from signaling.prefix import prefix_of
from signaling.responses import STATUS

PATH = f"{PREFIX}/openapi.json"
PARAMETERS = {
    "room": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
    "participant": {"type": "string", "pattern": "^p_[a-z2-7]{12}$"},
}
REFUSED = 400
"""Status of every code that `STATUS` does not name."""


def document(operations: Sequence[Operation] = OPERATIONS) -> dict[str, Any]:
    """The whole document."""
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for operation in operations:
        paths[operation.path][operation.method.lower()] = _describe(operation)
    paths[PATH]["get"] = {
        "operationId": "openapi",
        "summary": "This document",
        "security": [{}],
        "responses": {"200": {"description": "This document", "content": {JSON: {"schema": {"type": "object"}}}}},
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Ciranda",
            "version": "1",
            "description": "Administration of rooms. With API keys every call carries a token (roomAdmin for its room, "
            "roomCreate, roomList); without, calls come from the server's own machine.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {}],
        "paths": dict(paths),
        "components": {
            "schemas": _schemas(operations),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def serve(router: web.UrlDispatcher) -> None:
    """Every route of the API, and the document."""
    described = document()

    async def openapi(request: web.Request) -> web.Response:
        return web.json_response(described | {"servers": [{"url": prefix_of(request) or "/"}]})

    add_routes(router, more={PATH: openapi})


def _describe(operation: Operation) -> dict[str, Any]:
    codes = operation.errors + (WITH_BODY if operation.body is not None else ())
    by_status: dict[int, list[str]] = defaultdict(list)
    for code in (*codes, "internal"):
        by_status[STATUS.get(code, REFUSED)].append(code)
    described: dict[str, Any] = {
        "operationId": operation.act.__name__,
        "summary": operation.summary,
        "responses": {str(operation.status): _answer(operation.answer)}
        | {
            str(status): {"description": ", ".join(names), "content": _content(ApiError)}
            for status, names in sorted(by_status.items())
        },
    }
    if names := re.findall(r"{(\w+)}", operation.path):
        described["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": PARAMETERS[name]} for name in names
        ]
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": _content(operation.body)}
    return described


def _answer(kind: type[BaseModel] | None) -> dict[str, Any]:
    if kind is None:
        return {"description": "Done"}
    return {"description": (kind.__doc__ or "").strip(), "content": _content(kind)}


def _content(kind: type[BaseModel]) -> dict[str, Any]:
    return {JSON: {"schema": {"$ref": f"#/components/schemas/{kind.__name__}"}}}


def _schemas(operations: Sequence[Operation]) -> dict[str, Any]:
    wanted: dict[type[BaseModel], JsonSchemaMode] = {ApiError: "serialization"}
    for operation in operations:
        if operation.answer is not None:
            wanted[operation.answer] = "serialization"
        if operation.body is not None:
            wanted[operation.body] = "validation"
    _, schema = models_json_schema(list(wanted.items()), ref_template="#/components/schemas/{model}")
    found: dict[str, Any] = schema["$defs"]
    return found
