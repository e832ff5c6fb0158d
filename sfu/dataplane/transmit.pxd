# Datagrams on their way out: written in place into an arena, sent in runs to one destination.
from libc.stdint cimport uint8_t, uint16_t, uint64_t, int64_t

from sfu.dataplane.packet_index cimport IndexUse, PacketIndex
from sfu.dataplane.state cimport Core, Endpoint, TransmitEntry, TransmitQueue, Transport

cdef enum:
    TRANSMIT_ROOM = 1696        # bytes that a reservation may use: a datagram and what SRTP appends, in cache lines
    TRANSMIT_PAYLOAD = 1500     # bytes of it before SRTP

cdef int transmit_init(TransmitQueue *queue, uint16_t capacity) except -1
cdef void transmit_free(TransmitQueue *queue) noexcept
cdef void transmit_clear(TransmitQueue *queue) noexcept nogil

# TRANSMIT_ROOM bytes, or NULL (counted as transmit_full). Not committing costs nothing.
cdef uint8_t *transmit_reserve(Core *core) noexcept nogil
# Protects the reserved bytes and queues them for the transport's remote address. 0, or -1 if they were dropped (counted).
# `index` belongs to the packet's SSRC.
cdef int transmit_rtp(Core *core, Transport *transport, PacketIndex *index, IndexUse use, uint8_t *data, int length, int traffic,
                      int64_t arrival_us) noexcept nogil
cdef int transmit_rtcp(Core *core, Transport *transport, uint8_t *data, int length) noexcept nogil
# As it is, to any of the transport's addresses.
cdef void transmit_stun(Core *core, Transport *transport, uint8_t *data, int length, const Endpoint *remote) noexcept nogil

# Its video is held back: it comes slower than it is sent.
cdef inline int transmit_held(const Transport *transport) noexcept nogil:
    return transport.held and transport.held == transport.remote.connection

cdef inline int transmit_ready(const Transport *transport) noexcept nogil:
    return transport.has_remote and transport.secured
