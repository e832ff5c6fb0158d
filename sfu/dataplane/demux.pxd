# What a datagram is, by its first byte (RFC 7983, RFC 9443), and whose.
from libc.stdint cimport uint8_t, int64_t

from sfu.dataplane.state cimport Core, Endpoint

# `data` is changed, and must stay in place until forward_pending.
cdef void receive_datagram(Core *core, uint8_t *data, size_t length, const Endpoint *source,
                           int64_t arrival_us) noexcept nogil
