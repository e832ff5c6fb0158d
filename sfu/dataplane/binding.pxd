# Which layer an SSRC belongs to (RFC 9143 section 9.2, RFC 8852).
from libc.stdint cimport uint8_t, uint32_t, int64_t

from sfu.dataplane.packet cimport RtpView
from sfu.dataplane.state cimport Core, Layer, Stream, Track, Transport

# Known streams of a transport; NULL if it is not one.
cdef Stream *stream_find(Transport *transport, uint32_t ssrc) noexcept nogil
# May an SSRC not yet known be looked at? Makes room by forgetting one that is idle and belongs to nothing.
cdef int stream_room(Core *core, Transport *transport, int64_t now_us) noexcept nogil
# A packet of this SSRC has authenticated. There is room.
cdef Stream *stream_add(Transport *transport, uint32_t ssrc) noexcept nogil
# Gives the stream its layer, or leaves it NULL. `repaired`: the payload type that an RTX packet repairs, 255 for media.
cdef void stream_bind(Core *core, Transport *transport, Stream *stream, const RtpView *view, uint8_t repaired,
                      int64_t now_us) noexcept nogil
# Does the packet's MID say that the stream belongs to another track than so far?
cdef int stream_moved(const Transport *transport, const Stream *stream, const RtpView *view) noexcept nogil
# The layer goes away: its streams belong to nothing.
cdef void stream_release(Transport *transport, const Layer *layer) noexcept nogil
# Start the layer anew: numbers, clock and history.
cdef void layer_reset(Core *core, Layer *layer) noexcept nogil

cdef inline uint32_t clock_rate_of(uint8_t kind) noexcept nogil:
    return 48000 if kind == 0 else 90000
