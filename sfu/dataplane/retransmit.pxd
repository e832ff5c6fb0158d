# NACKs of a subscriber, answered from a layer's history.
from libc.stdint cimport uint16_t

from sfu.dataplane.state cimport Core, Slot

# `pid` and `blp` of one generic NACK entry (RFC 4585, section 6.2.1): up to 17 packets. Gives how many were sent.
cdef int retransmit_pair(Core *core, Slot *slot, uint16_t pid, uint16_t blp) noexcept nogil
