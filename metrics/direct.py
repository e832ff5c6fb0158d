"""Direct calls as metrics: how many there are, why the server took over, and what that took from the ears and eyes."""

from collections.abc import Iterator

from prometheus_client.core import Metric

from metrics.families import counter, gauge, histograms
from sfu.node import Node

Values = dict[tuple[str, ...], float]


def direct_metrics(node: Node) -> Iterator[Metric]:
    """Read at scrape time."""
    tallies = node.direct
    rooms = sum(room.direct.direct for room in node.rooms.values())
    yield gauge("direct_rooms", "Rooms whose two go directly now.", [], {(): rooms})
    takeovers: Values = {(reason.value,): count for reason, count in tallies.takeovers.items()}
    yield counter("takeovers", "Direct calls that the server took over.", ["reason"], takeovers)
    attempts: Values = {("direct",): 0.0}
    attempts.update({(outcome,): count for outcome, count in tallies.attempts.items()})
    yield counter("direct_attempts", "Attempts at a direct call, by what came of them.", ["outcome"], attempts)
    refused: Values = {(kind,): count for kind, count in tallies.refused.items()}
    yield counter("direct_messages_refused", "Messages of direct calls that were not used.", ["reason"], refused)
    text = "What nobody heard or saw at a takeover, as clients measured it."
    yield histograms("takeover_gap_seconds", text, "kind", tallies.gaps)
