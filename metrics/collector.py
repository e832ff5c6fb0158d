"""Reads the node at scrape time and says what it finds by the names that are promised. Costs nothing between scrapes.

One collector and one registry a server: several run in one process. Labels never name rooms or people.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from metrics.connections import connection_metrics
from metrics.direct import direct_metrics
from metrics.doors import DoorCounts, door_metrics
from metrics.families import PREFIX, counter, gauge, histograms, quantiles
from metrics.sampler import Sampler
from sfu.dataplane.types import EngineCounters, Kind
from sfu.node import Node

NO_BOUND_US = 2**63 - 1
"""The last bucket of the engine's histogram."""


class NodeCollector(Collector):
    """All of `ciranda_…`."""

    def __init__(self, node: Node, sampler: Sampler, doors: Callable[[], DoorCounts]) -> None:
        self._node = node
        self._sampler = sampler
        self._doors = doors

    def describe(self) -> Iterator[Metric]:
        """Nothing is read at registration."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        engines = [port.engine.counters() for port in self._node.ports]
        yield from self._rooms()
        yield from self._packets(engines)
        yield from self._feedback(engines)
        yield from self._latencies(engines)
        yield from self._transports()
        yield gauge(
            "worker_busy_ratio",
            "Share of the last seconds that a media worker spent outside of waiting.",
            ["worker"],
            {(str(index),): ratio for index, ratio in enumerate(self._sampler.busy_ratios())},
        )
        yield gauge(
            "event_loop_lag_seconds",
            "How late the event loop was at worst in the last seconds.",
            [],
            {(): self._sampler.worst_lag_s()},
        )
        yield from direct_metrics(self._node)
        yield from connection_metrics(self._node, engines)
        yield from door_metrics(self._doors())

    def _rooms(self) -> Iterator[Metric]:
        rooms = self._node.rooms.values()
        yield gauge("rooms", "Rooms that are open.", [], {(): len(rooms)})
        people = sum(len(room.participants) for room in rooms)
        yield gauge("participants", "Participants, hidden viewers included.", [], {(): people})
        waiting = sum(len(room.reception.waiting) for room in rooms)
        yield gauge("waiting", "People who wait to be let in.", [], {(): waiting})
        files = sum(file.size for room in rooms for file in room.files.values())
        yield gauge("file_bytes", "Files that were dropped into rooms.", [], {(): files})
        asked: Counter[tuple[str, ...]] = Counter()
        asked.update(self._node.moderation)
        yield counter(
            "moderation",
            "What was asked of the server as an administrator.",
            ["action", "outcome"],
            asked,
        )
        texts: dict[tuple[str, ...], float] = {(reason,): count for reason, count in self._node.texts_refused.items()}
        yield counter("texts_refused", "Texts of data channels that went to nobody.", ["reason"], texts)
        kinds = self._node.track_counts()
        tracks: dict[tuple[str, ...], float] = {(kind.name.lower(),): kinds[kind] for kind in Kind}
        yield gauge("tracks", "Published tracks.", ["kind"], tracks)

    def _packets(self, engines: Sequence[EngineCounters]) -> Iterator[Metric]:
        packets: Counter[tuple[str, ...]] = Counter()
        sizes: Counter[tuple[str, ...]] = Counter()
        dropped: Counter[tuple[str, ...]] = Counter()
        for engine in engines:
            packets.update(engine.packets)
            sizes.update({(direction,): count for direction, count in engine.bytes.items()})
            dropped.update({(reason,): count for reason, count in engine.dropped.items()})
        for port in self._node.ports:
            dropped.update({(reason,): count for reason, count in port.counters.items()})
        yield counter("packets", "Datagrams on the media ports.", ["direction", "kind"], packets)
        yield counter("bytes", "Payload bytes of datagrams on the media ports.", ["direction"], sizes)
        yield counter("packets_dropped", "Datagrams and packets not used, by reason.", ["reason"], dropped)

    def _feedback(self, engines: Sequence[EngineCounters]) -> Iterator[Metric]:
        nacks: Counter[tuple[str, ...]] = Counter()
        keyframes: Counter[tuple[str, ...]] = Counter()
        for engine in engines:
            nacks.update({(direction,): count for direction, count in engine.nacks.items()})
            keyframes.update({(direction,): count for direction, count in engine.keyframe_requests.items()})
        yield counter("nacks", "Packets asked for again.", ["direction"], nacks)
        yield counter("keyframe_requests", "PLI and FIR.", ["direction"], keyframes)
        yield counter(
            "retransmissions", "Packets sent again.", [], {(): sum(engine.retransmissions for engine in engines)}
        )
        yield counter(
            "layer_switches",
            "Changes of the layer that a slot forwards.",
            [],
            {(): sum(engine.layer_switches for engine in engines)},
        )

    def _latencies(self, engines: Sequence[EngineCounters]) -> Iterator[Metric]:
        forward: Counter[int] = Counter()
        for engine in engines:
            forward.update(dict(engine.forward_latency_us))
        latency = HistogramMetricFamily(
            PREFIX + "forward_latency_seconds", "From a packet's arrival to its last copy handed to the kernel."
        )
        if forward:
            bounds = sorted(forward)
            buckets = [("+Inf" if b == NO_BOUND_US else repr(b / 1e6), float(forward[b])) for b in bounds]
            latency.add_metric([], buckets, sum(engine.forward_latency_sum_us for engine in engines) / 1e6)
        yield latency
        yield histograms("join_seconds", "Stages of a join.", "stage", self._node.timings.stages)

    def _transports(self) -> Iterator[Metric]:
        rtt: list[float] = []
        loss: list[float] = []
        downlink: list[float] = []
        for room in self._node.rooms.values():
            engine = room.port.engine
            for participant in room.participants.values():
                if participant.connection is None or not participant.connection.connected:
                    continue
                stats = engine.transport_stats(participant.connection.transport.handle)
                if stats.rtt_us:
                    rtt.append(stats.rtt_us / 1e6)
                if stats.acknowledged_bps:
                    downlink.append(float(stats.acknowledged_bps))
                loss += [engine.slot_stats(slot.handle).loss_ratio for slot in participant.slots if slot.track]
        yield quantiles("rtt_seconds", "Round trip times of transports.", rtt)
        yield quantiles("packet_loss_ratio", "Loss that receivers report, a filled slot each.", loss)
        yield quantiles(
            "downlink_estimate_bits_per_second",
            "What receivers acknowledged in the last second, a transport each.",
            downlink,
        )
