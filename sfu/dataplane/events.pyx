"""The event ring: records of variable length, written without a lock by the engine's thread, read by the control thread.

Owns the ring and the records' form. When it is full, events are dropped and counted as `event_ring_full`. Nobody can fill it
for the others: strangers get an eighth of it, and one address a rate within that (`stranger_rate`); a transport gets a sixteenth at a
time, and all datagrams together leave the last eighth to the news of layers.
"""

from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from sfu.dataplane.addresses cimport endpoint_to_python
from sfu.dataplane.atomics cimport load_u64, store_u64
from sfu.dataplane.reasons cimport DROP_EVENT_RING_FULL, DROP_STRANGER_RATE
from sfu.dataplane.strangers cimport stranger_may, strangers_free, strangers_init

from sfu.dataplane.types import ConnectionClosed, DtlsReceived, LayerStarted, LayerStopped, SourceEnded, StunReceived

cdef struct Record:
    uint32_t size           # of the record with its data, a multiple of 8; what is left at the ring's end is skipped
    uint32_t length         # of the data
    int kind                # 0: skip to the ring's start
    int layer
    int64_t handle
    uint32_t ssrc
    Endpoint source

cdef enum:
    # One part in so many of the ring.
    STRANGERS_PART = 8
    TRANSPORT_PART = 16
    LAYERS_PART = 8


cdef int events_init(EventRing *ring, uint64_t size, uint64_t seed) except -1:
    ring.bytes = <uint8_t *>malloc(size)
    if ring.bytes == NULL:
        raise MemoryError
    strangers_init(&ring.strangers, seed)
    ring.size = size
    return 0


cdef void events_free(EventRing *ring) noexcept:
    free(ring.bytes)
    ring.bytes = NULL
    strangers_free(&ring.strangers)


# Room for one record, or NULL. It becomes visible by publish().
cdef Record *claim(Core *core, size_t length, uint64_t limit) noexcept nogil:
    cdef EventRing *ring = &core.events
    cdef uint64_t size = (sizeof(Record) + length + 7) & ~<uint64_t>7
    cdef uint64_t place = ring.written & (ring.size - 1)
    cdef uint64_t skipped = ring.size - place if place + size > ring.size else 0
    cdef Record *record
    if ring.written + skipped + size - load_u64(&ring.read) > limit:
        core.counters.dropped[<int>DROP_EVENT_RING_FULL] += 1
        return NULL
    if skipped:
        if skipped >= sizeof(Record):
            (<Record *>(ring.bytes + place)).kind = 0
        store_u64(&ring.written, ring.written + skipped)
        place = 0
    record = <Record *>(ring.bytes + place)
    record.size = <uint32_t>size
    record.length = <uint32_t>length
    return record


cdef inline void publish(EventRing *ring, const Record *record) noexcept nogil:
    store_u64(&ring.written, ring.written + record.size)


# The part of the ring up to which this sender may fill it; 0 if it has enough in it already.
cdef uint64_t share_of(EventRing *ring, Transport *transport, size_t length) noexcept nogil:
    if transport == NULL:
        return ring.size // STRANGERS_PART
    if load_u64(&ring.read) >= transport.events_until:
        transport.events_waiting = 0
    return 0 if transport.events_waiting + length > ring.size // TRANSPORT_PART else ring.size - ring.size // LAYERS_PART


cdef void event_datagram(Core *core, int kind, Transport *transport, const Endpoint *source, const uint8_t *data,
                         size_t length) noexcept nogil:
    cdef Record *record
    if transport == NULL and not stranger_may(&core.events.strangers, source, core.now_us):
        core.counters.dropped[<int>DROP_STRANGER_RATE] += 1
        return
    record = claim(core, length, share_of(&core.events, transport, length))
    if record == NULL:
        return
    record.kind = kind
    record.handle = transport.handle if transport != NULL else 0
    record.source = source[0]
    memcpy(<uint8_t *>record + sizeof(Record), data, length)
    publish(&core.events, record)
    if transport != NULL:
        transport.events_waiting += record.size
        transport.events_until = core.events.written


cdef void event_layer(Core *core, int kind, const Layer *layer) noexcept nogil:
    cdef Record *record = claim(core, 0, core.events.size)
    if record == NULL:
        return
    record.kind = kind
    record.handle = layer.track.handle
    record.layer = layer.index
    record.ssrc = layer.ssrc
    publish(&core.events, record)


cdef int events_waiting(EventRing *ring) noexcept:
    return load_u64(&ring.written) != ring.read


cdef object event_of(const Record *record):
    if record.kind == EVENT_LAYER_STARTED:
        return LayerStarted(record.handle, record.layer, record.ssrc)
    if record.kind == EVENT_LAYER_STOPPED:
        return LayerStopped(record.handle, record.layer)
    if record.kind == EVENT_SOURCE_ENDED:
        return SourceEnded(record.handle, record.layer)
    data = (<const char *>record + sizeof(Record))[:record.length]
    source = endpoint_to_python(&record.source)
    if record.kind == EVENT_STUN:
        return StunReceived(data, source)
    if record.kind == EVENT_CLOSED:
        return ConnectionClosed(source)
    return DtlsReceived(record.handle, data, source)


cdef object event_read(EventRing *ring):
    cdef uint64_t place
    cdef const Record *record
    while load_u64(&ring.written) != ring.read:
        place = ring.read & (ring.size - 1)
        record = <const Record *>(ring.bytes + place)
        if ring.size - place < sizeof(Record) or record.kind == 0:
            store_u64(&ring.read, ring.read + ring.size - place)
            continue
        event = event_of(record)
        store_u64(&ring.read, ring.read + record.size)
        return event
    return None
