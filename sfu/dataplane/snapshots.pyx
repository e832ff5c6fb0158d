"""Reads the engine's counters and turns them into values. Never writes any, but for the epoch of audio levels.

A number may be one packet older than its neighbour; each by itself is whole (aligned words).
"""

from libc.stdint cimport uint64_t

from sfu.dataplane.atomics cimport load_u64, store_u64
from sfu.dataplane.reasons cimport DROP_NONE
from sfu.dataplane.receive cimport stats_lost
from sfu.dataplane.state cimport DIRECTION_IN, DIRECTION_OUT, KIND_AUDIO, TRAFFIC_COUNT, Layer, LevelSum, Slot, Transport

from sfu.dataplane.reasons import CLOSE_NAMES, DROP_NAMES
from sfu.dataplane.types import AudioLevel, EngineCounters, Format, LayerStats, SlotStats, TransportStats

_TRAFFIC = ("audio", "video", "rtx", "rtcp", "stun", "dtls")
_DIRECTIONS = ("in", "out")

cdef int64_t[<int>LATENCY_BUCKETS] BOUNDS_US
BOUNDS_US[:] = [25, 50, 75, 100, 150, 200, 300, 400, 500, 750, 1000, 2000, 5000, 10000, 20000, 50000, 100000, 0x7FFFFFFFFFFFFFFF]


cdef int64_t *latency_bounds() noexcept nogil:
    return BOUNDS_US


cdef object counters_of(const Core *core, const Counters *control):
    cdef const Counters *own = &core.counters
    cdef uint64_t below = 0
    packets = {}
    for direction in range(2):
        for traffic in range(<int>TRAFFIC_COUNT):
            packets[_DIRECTIONS[direction], _TRAFFIC[traffic]] = (
                own.packets[direction][traffic] + control.packets[direction][traffic]
            )
    latency = []
    for bucket in range(<int>LATENCY_BUCKETS):
        below += own.latency[bucket]
        latency.append((BOUNDS_US[bucket], below))
    return EngineCounters(
        packets=packets,
        bytes={name: own.bytes[place] + control.bytes[place] for place, name in enumerate(_DIRECTIONS)},
        dropped={name: own.dropped[place] + control.dropped[place] for place, name in enumerate(DROP_NAMES, <int>DROP_NONE + 1)},
        nacks={name: own.nacks[place] for place, name in enumerate(_DIRECTIONS)},
        keyframe_requests={name: own.keyframe_requests[place] for place, name in enumerate(_DIRECTIONS)},
        retransmissions=own.retransmissions,
        layer_switches=own.layer_switches,
        forward_latency_us=tuple(latency),
        forward_latency_sum_us=own.latency_sum_us,
        busy_us=own.busy_us,
        elapsed_us=own.elapsed_us,
        connections=own.connections,
        connections_closed={name: own.closed[place] for place, name in enumerate(CLOSE_NAMES)},
    )


cdef object transport_stats_of(TransportRecord record):
    cdef const Transport *transport = record.transport
    return TransportStats(
        packets_received=transport.packets_received,
        bytes_received=transport.bytes_received,
        packets_sent=transport.packets_sent,
        bytes_sent=transport.bytes_sent,
        rtt_us=transport.rtt_us,
        heard_us=load_u64(&transport.heard_us),
        acknowledged_bps=transport.sent.acknowledged_bps if transport.sent_started else 0,
    )


cdef dict checks_of(TransportRecord record):
    cdef dict found = {}
    cdef uint64_t checked_us
    for address, cell in record.addresses.items():
        checked_us = load_u64(&record.transport.checked_us[<int>cell])
        if checked_us:
            found[address] = checked_us
    return found


cdef object layer_stats(const Layer *layer):
    return LayerStats(
        ssrc=layer.ssrc,
        live=bool(layer.live),
        packets=layer.stats.packets,
        bytes=layer.stats.bytes,
        lost=max(stats_lost(&layer.stats), 0),
        jitter_us=(<int64_t>layer.stats.jitter_q4 >> 4) * 1000000 // max(layer.clock.clock_rate, 1),
        nacks_sent=layer.nacks.requested,
        keyframe_requests_sent=layer.request.sent,
        format=Format(layer.format) if layer.format else None,
    )


cdef tuple track_stats_of(TrackRecord record):
    cdef list found = []
    for layer in record.layers:
        found.append(layer_stats((<LayerRecord>layer).layer) if (<LayerRecord>layer).layer.bound else None)
    return tuple(found)


cdef object slot_stats_of(SlotRecord record):
    cdef const Slot *slot = record.slot
    cdef const Layer *current = slot.current
    return SlotStats(
        track=record.source.track.handle if record.source is not None else None,
        layer=current.index if current != NULL else -1,
        packets=slot.packets,
        bytes=slot.bytes,
        retransmissions=slot.retransmissions,
        nacks_received=slot.nacks_received,
        keyframe_requests_received=slot.keyframe_requests_received,
        layer_switches=slot.layer_switches,
        loss_ratio=slot.fraction_lost / 256.0,
        jitter_us=<int64_t>slot.jitter * 1000000 // max(slot.timestamps.clock_rate, 1),
    )


cdef list audio_levels_of(Core *core, dict tracks):
    cdef uint64_t epoch = load_u64(&core.level_epoch)
    cdef const LevelSum *sum
    cdef TrackRecord record
    cdef list found = []
    store_u64(&core.level_epoch, epoch + 1)
    for record in tracks.values():
        sum = &record.track.levels[epoch & 1]
        if record.track.kind == KIND_AUDIO and sum.epoch == epoch and sum.packets:
            found.append(AudioLevel(record.track.handle, sum.loudest, sum.sum // sum.packets, sum.packets, bool(sum.voice)))
    return found
