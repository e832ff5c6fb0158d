# SSRCs that a transport sent and may send again (state.EndedStream).
from libc.stdint cimport uint16_t, uint32_t

from sfu.dataplane.packet_index cimport PacketIndex
from sfu.dataplane.state cimport Core, Transport

# The stream's first sequence number: `first`, or where it goes on if this SSRC was sent before with the same key.
cdef uint16_t begin_stream(Transport *transport, uint32_t ssrc, uint16_t first, PacketIndex *index) noexcept nogil
cdef void end_stream(Core *core, Transport *transport, uint32_t ssrc, const PacketIndex *index) noexcept nogil
