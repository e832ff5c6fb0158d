# What the engine tells the control side: a bounded ring of records, one writer, one reader.
from libc.stdint cimport uint8_t, uint32_t, uint64_t, int64_t

from sfu.dataplane.state cimport Core, Endpoint, EventRing, Layer, Transport

cdef enum EventKind:
    EVENT_STUN = 1
    EVENT_DTLS
    EVENT_LAYER_STARTED
    EVENT_LAYER_STOPPED
    EVENT_SOURCE_ENDED
    EVENT_CLOSED

cdef int events_init(EventRing *ring, uint64_t size, uint64_t seed) except -1
cdef void events_free(EventRing *ring) noexcept

# `transport`: whose address `source` is; NULL for a stranger.
cdef void event_datagram(Core *core, int kind, Transport *transport, const Endpoint *source, const uint8_t *data,
                         size_t length) noexcept nogil
cdef void event_layer(Core *core, int kind, const Layer *layer) noexcept nogil
cdef inline int events_unannounced(const EventRing *ring) noexcept nogil:
    return ring.written != ring.announced

# Control side. None when there is no event.
cdef object event_read(EventRing *ring)
cdef int events_waiting(EventRing *ring) noexcept
