# One RTP datagram of a transport, from the wire to where it waits for forwarding.
from libc.stdint cimport uint8_t, int64_t

from sfu.dataplane.state cimport Core, Layer, Transport

cdef enum:
    LAYER_TIMEOUT_US = 2000000      # without a packet for this long, a layer has stopped

# `data` is changed, and must stay in place until forward_pending.
cdef void receive_rtp(Core *core, Transport *transport, uint8_t *data, size_t length, int64_t arrival_us) noexcept nogil
cdef void layer_stopped(Core *core, Layer *layer) noexcept nogil
