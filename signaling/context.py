"""What all front doors of one server share. It lives in the application, never in a module: several servers run in one process."""

import asyncio
import ipaddress
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web

from metrics.doors import DoorCounts
from sfu.config import Settings
from sfu.errors import LimitError
from sfu.node import Node
from sfu.rate import KeyedBuckets
from signaling.auth import Authority
from signaling.client_address import Network, client_key
from signaling.connections import Connections, most_connections
from signaling.file_store import FileStore
from signaling.ice_servers import IceServers
from signaling.turns import Turns


class Closable(Protocol):
    """Something with a client at its other end."""

    async def shut_down(self) -> None:
        """Say goodbye and end, within a bounded time."""


@dataclass(eq=False)
class Context:
    """One for each application."""

    node: Node
    settings: Settings
    authority: Authority = field(init=False)
    ice_servers: IceServers = field(init=False)
    file_store: FileStore = field(init=False)
    joins: KeyedBuckets = field(init=False)
    requests: KeyedBuckets = field(init=False)
    """To WHIP and WHEP, but for joins: as many as a participant may send messages."""
    _proxies: tuple[Network, ...] = field(init=False)
    turns: Turns = field(default_factory=Turns)
    """Whose message is handled next."""
    clients: set[Closable] = field(default_factory=set)
    """Open sockets."""
    started_s: float = field(default_factory=time.monotonic)
    closing: bool = False
    connections: Connections = field(init=False)
    """Of HTTP, WebSockets included."""
    closed_sockets: dict[str, int] = field(default_factory=dict)
    """Reason → sockets that the server closed."""
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(door, code) → requests and messages that were answered with an error."""

    def __post_init__(self) -> None:
        self.authority = Authority(self.settings.api_secrets, leeway_s=self.settings.token_leeway_seconds)
        self.ice_servers = IceServers(self.settings, lambda: self.node.ports[0].candidates if self.node.ports else ())
        self.file_store = FileStore(self.settings)
        self._proxies = tuple(ipaddress.ip_network(text, strict=False) for text in self.settings.trusted_proxy)
        self.connections = Connections(
            most_connections(self.settings.max_connections),
            self.settings.max_connections_per_address,
            self.settings.request_timeout_seconds,
            self._proxies,
        )
        self.joins = KeyedBuckets(self.settings.joins_per_second, self.settings.join_burst)
        self.requests = KeyedBuckets(self.settings.messages_per_second, self.settings.message_burst)

    def address_of(self, request: web.Request) -> str:
        """Whose limits it counts against."""
        return client_key(request.remote, request.headers.getall("X-Forwarded-For", ()), self._proxies)

    def door_counts(self) -> DoorCounts:
        """For whoever reads."""
        return DoorCounts(len(self.connections), self.connections.closed, self.closed_sockets, self.refused)

    def count_malformed(self) -> None:
        """A request that is none."""
        self.refused["http", "malformed"] += 1

    def check_open(self) -> None:
        """`LimitError` (`shutting_down`) once the server closes."""
        if self.closing or self.node.closing:
            raise LimitError("the server is shutting down", code="shutting_down")

    def check_rate(self, request: web.Request) -> None:
        """Count one join of this client's address. `LimitError` (`rate_limited`)."""
        self.take(self.joins, request, "too many joins from this address")

    def take(self, buckets: KeyedBuckets, request: web.Request, refusal: str) -> None:
        """Count one request of this client's address. `LimitError` (`rate_limited`)."""
        if not buckets.take(self.address_of(request), time.monotonic()):
            raise LimitError(f"{refusal}; try again in a moment", code="rate_limited")

    async def close(self) -> None:
        """Nobody gets in any more; those with a socket are told why it closes."""
        self.closing = True
        await asyncio.gather(*(client.shut_down() for client in tuple(self.clients)))


CONTEXT: web.AppKey[Context] = web.AppKey("context", Context)
