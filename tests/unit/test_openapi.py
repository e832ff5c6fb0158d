"""The OpenAPI document describes what there is, all of it and nothing else."""

import re

from aiohttp import web
from openapi_spec_validator import validate

from sfu.config import Settings
from sfu.node import Node
from signaling.api.openapi import PARAMETERS, PATH, document
from signaling.app import create_app
from signaling.responses import STATUS
from tests.harness.api import fits


def routes() -> set[tuple[str, str]]:
    """(method, path) of every route below /api."""
    app: web.Application = create_app(Node(Settings()))
    return {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None and route.resource.canonical.startswith("/api")
    }


def described() -> set[tuple[str, str]]:
    return {(method.upper(), path) for path, item in document()["paths"].items() for method in item}


def test_it_is_openapi_3_1() -> None:
    validate(document())
    assert document()["openapi"].startswith("3.1")


def test_every_route_is_described_and_every_description_is_a_route() -> None:
    assert described() == routes()
    assert ("GET", PATH) in routes()


def test_parameters_are_those_of_the_path_and_operations_have_names_of_their_own() -> None:
    names = []
    for path, item in document()["paths"].items():
        for operation in item.values():
            names.append(operation["operationId"])
            given = {parameter["name"] for parameter in operation.get("parameters", ())}
            assert given == set(re.findall(r"{(\w+)}", path)) <= set(PARAMETERS)
    assert len(names) == len(set(names))


def test_what_a_caller_sends_is_bounded() -> None:
    """No field of a body takes more than its limits say: unknown ones are errors."""
    schemas = document()["components"]["schemas"]
    for item in document()["paths"].values():
        for operation in item.values():
            if "requestBody" in operation:
                name = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rsplit("/")[-1]
                assert schemas[name]["additionalProperties"] is False


def test_every_error_has_a_status_that_the_server_gives_it() -> None:
    for item in document()["paths"].values():
        for operation in item.values():
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    assert all(STATUS.get(code, 400) == int(status) for code in response["description"].split(", "))


def test_patterns_of_paths() -> None:
    assert fits("/a/{room}/b", "/a/x/b")
    assert not fits("/a/{room}", "/a/x/b")
