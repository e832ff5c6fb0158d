"""TCP connections of the media ports, and by what the clients are reached."""

from collections import Counter
from collections.abc import Iterator, Sequence

from prometheus_client.core import Metric

from metrics.families import counter, gauge
from sfu.dataplane.types import EngineCounters
from sfu.node import Node


def connection_metrics(node: Node, engines: Sequence[EngineCounters]) -> Iterator[Metric]:
    """What an operator asks when a network has no UDP."""
    closed: Counter[tuple[str, ...]] = Counter()
    for engine in engines:
        closed.update({(reason,): count for reason, count in engine.connections_closed.items()})
    yield gauge(
        "tcp_connections", "TCP connections of the media ports.", [], {(): sum(each.connections for each in engines)}
    )
    yield counter("tcp_closed", "TCP connections that ended or were not taken, by reason.", ["reason"], closed)
    paths: Counter[tuple[str, ...]] = Counter({("udp",): 0, ("tcp",): 0})
    for room in node.rooms.values():
        for participant in room.participants.values():
            if participant.connection is not None and (path := participant.connection.transport.path) is not None:
                paths[(path,)] += 1
    yield gauge("paths", "Transports by what packets go to them over.", ["protocol"], paths)
