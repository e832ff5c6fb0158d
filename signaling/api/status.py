"""The server as a whole, for its operators: the numbers of the metrics in one answer."""

import time
from collections import Counter

from aiohttp import web

from metrics.sampler import Sampler
from sfu.dataplane.types import Kind
from sfu.node import Node
from sfu.version import version
from signaling.api.models import ServerStatus, Worker
from signaling.context import CONTEXT

SAMPLER: web.AppKey[Sampler] = web.AppKey("sampler", Sampler)
"""Whoever composes a server has one; without it there is no load and no lag to tell."""


def server_status(request: web.Request) -> ServerStatus:
    context = request.app[CONTEXT]
    node, sampler = context.node, request.app.get(SAMPLER)
    engines = [port.engine.counters() for port in node.ports]
    packets: dict[str, Counter[str]] = {"in": Counter(), "out": Counter()}
    sizes: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    nacks: Counter[str] = Counter()
    keyframes: Counter[str] = Counter()
    for engine in engines:
        sizes.update(engine.bytes)
        dropped.update(engine.dropped)
        nacks.update(engine.nacks)
        keyframes.update(engine.keyframe_requests)
        for (direction, kind), count in engine.packets.items():
            packets[direction][kind] += count
    for port in node.ports:
        dropped.update(port.refused)
    rooms = node.rooms.values()
    kinds = node.track_counts()
    moderation: dict[str, dict[str, int]] = {}
    for (action, outcome), count in node.moderation.items():
        moderation.setdefault(action, {})[outcome] = count
    return ServerStatus(
        version=version(),
        uptime_s=round(time.monotonic() - context.started_s, 3),
        now_us=time.monotonic_ns() // 1_000,
        rooms=len(rooms),
        participants=sum(len(room.participants) for room in rooms),
        waiting=sum(len(room.reception.waiting) for room in rooms),
        sockets=len(context.clients),
        tracks={"audio": kinds[Kind.AUDIO], "video": kinds[Kind.VIDEO]},
        bytes=sizes,
        packets={direction: dict(counts) for direction, counts in packets.items()},
        dropped={reason: count for reason, count in dropped.items() if count},
        nacks=nacks,
        keyframe_requests=keyframes,
        retransmissions=sum(engine.retransmissions for engine in engines),
        closed_sockets=dict(context.closed_sockets),
        moderation=moderation,
        file_bytes=sum(file.size for room in rooms for file in room.files.values()),
        workers=_workers(node, sampler),
        event_loop_lag_s=sampler.worst_lag_s() if sampler is not None else 0.0,
    )


def _workers(node: Node, sampler: Sampler | None) -> list[Worker]:
    ratios = sampler.busy_ratios() if sampler is not None else []
    workers = []
    for index, port in enumerate(node.ports):
        host, number = port.address
        rooms = sum(room.port is port for room in node.rooms.values())
        busy = ratios[index] if index < len(ratios) else None
        address = f"[{host}]:{number}" if ":" in host else f"{host}:{number}"
        workers.append(Worker(address=address, busy_ratio=busy, rooms=rooms))
    return workers
