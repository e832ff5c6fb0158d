"""The front doors as metrics: connections that are open or were not taken, sockets that the server closed, what was refused."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.core import Metric

from metrics.families import counter, gauge


@dataclass(frozen=True, slots=True)
class DoorCounts:
    """What front doors have counted since the start; every reason is a word of theirs, never a client's."""

    connections: int
    """Open now."""
    connections_closed: Mapping[str, int]
    """Reason → HTTP connections that were not taken, or cut before their first request."""
    sockets_closed: Mapping[str, int]
    """Reason → WebSockets that the server closed."""
    refused: Mapping[tuple[str, str], int]
    """(door, code) → requests and messages that were answered with an error."""


def door_metrics(counts: DoorCounts) -> Iterator[Metric]:
    """Read at scrape time."""
    yield gauge("http_connections", "HTTP connections, WebSockets included.", [], {(): counts.connections})
    yield counter(
        "http_connections_closed",
        "HTTP connections that were not taken, or cut before their first request.",
        ["reason"],
        {(reason,): count for reason, count in counts.connections_closed.items()},
    )
    yield counter(
        "sockets_closed",
        "WebSockets that the server closed.",
        ["reason"],
        {(reason,): count for reason, count in counts.sockets_closed.items()},
    )
    refused: dict[tuple[str, ...], float] = {(door, code): count for (door, code), count in counts.refused.items()}
    yield counter("refused", "Requests and messages that were answered with an error.", ["door", "code"], refused)
