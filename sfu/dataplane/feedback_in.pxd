# One RTCP datagram of a transport: what it says is taken in, nothing of it goes any further.
from libc.stdint cimport uint8_t, int64_t

from sfu.dataplane.state cimport Core, Transport

cdef void receive_rtcp(Core *core, Transport *transport, uint8_t *data, size_t length, int64_t arrival_us) noexcept nogil
