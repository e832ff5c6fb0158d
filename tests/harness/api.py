"""A caller of `/api/v1` that takes the OpenAPI document at its word: every answer must be one that it describes."""

import re
from typing import Any

import jsonschema

from tests.integration.doors import Doors

PREFIX = "/api/v1"


class Api:
    """`called`: the (method, path pattern, status) of what was asked so far."""

    def __init__(self, house: Doors, document: dict[str, Any], *, bearer: str | None = None) -> None:
        self.house = house
        self.document = document
        self.called: set[tuple[str, str, int]] = set()
        self._headers = {"Authorization": f"Bearer {bearer}"} if bearer is not None else {}

    @classmethod
    async def of(cls, house: Doors, *, bearer: str | None = None) -> "Api":
        async with house.http.get(house.url(f"{PREFIX}/openapi.json")) as response:
            assert response.status == 200
            return cls(house, await response.json(), bearer=bearer)

    async def __call__(self, method: str, path: str, body: object = None, **options: Any) -> tuple[int, Any]:
        """Status and JSON of the answer, `None` without a body."""
        options.setdefault("headers", self._headers)
        if body is not None:
            options["json"] = body
        async with self.house.http.request(method, self.house.url(PREFIX + path), **options) as response:
            answer = await response.json() if response.content_type == "application/json" else None
            self._check(method, PREFIX + path, response.status, answer)
            return response.status, answer

    def _check(self, method: str, path: str, status: int, answer: Any) -> None:
        pattern = next((known for known in self.document["paths"] if fits(known, path)), None)
        assert pattern is not None, path
        described = self.document["paths"][pattern][method.lower()]["responses"]
        assert str(status) in described, (method, pattern, status, answer)
        content = described[str(status)].get("content")
        if content is None:
            assert answer is None
        else:
            schema = content["application/json"]["schema"] | {"components": self.document["components"]}
            jsonschema.Draft202012Validator(schema).validate(answer)
        if status >= 400:
            codes = described[str(status)]["description"].split(", ")
            assert answer["code"] in codes, (method, pattern, answer, codes)
        self.called.add((method, pattern, status))


def fits(pattern: str, path: str) -> bool:
    """Whether a path of the document, with its {parameters}, is this one."""
    return re.fullmatch(re.sub(r"{\w+}", "[^/]+", pattern), path) is not None
