"""Adapter for servers that speak WHIP and WHEP (RFC 9725): one HTTP request in, one out."""

import urllib.parse
from collections.abc import Callable

import aiohttp
import yarl

from benchmarks.endpoint import ConnectError, Endpoint


class HttpExchange:
    """One WHIP or WHEP session."""

    def __init__(self, http: aiohttp.ClientSession, url: str, token: str) -> None:
        self._http = http
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._resource = ""

    async def exchange(self, endpoint: Endpoint) -> str:
        headers = self._headers | {"Content-Type": "application/sdp"}
        try:
            async with self._http.post(self._url, data=endpoint.offer(), headers=headers) as response:
                body = await response.text()
                if response.status != 201:
                    raise ConnectError(f"{self._url} answered {response.status}: {body[:300]}")
                self._resource = str(response.url.join(yarl.URL(response.headers["Location"])))
        except aiohttp.ClientError as error:
            raise ConnectError(f"{self._url}: {error}") from error
        return body

    async def close(self) -> None:
        resource, self._resource = self._resource, ""
        if resource:
            async with self._http.delete(resource, headers=self._headers):
                pass


class WhipAdapter:
    """`whip` and `whep`: addresses with `{room}` in them."""

    def __init__(self, http: aiohttp.ClientSession, whip: str, whep: str, token_for: Callable[[str], str]) -> None:
        self._http = http
        self._whip, self._whep = whip, whep
        self._token_for = token_for

    def publisher(self, room: str) -> HttpExchange:
        return HttpExchange(self._http, self._whip.format(room=urllib.parse.quote(room)), self._token_for(room))

    def receiver(self, room: str) -> HttpExchange:
        return HttpExchange(self._http, self._whep.format(room=urllib.parse.quote(room)), self._token_for(room))

    def person(self, room: str) -> HttpExchange:
        raise ConnectError("WHIP only publishes and WHEP only receives: nobody does both")
