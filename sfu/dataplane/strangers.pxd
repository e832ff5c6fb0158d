# How much STUN one address may send that no transport vouches for. The table is the event ring's.
from libc.stdint cimport int64_t

from sfu.dataplane.state cimport Endpoint, StrangerTable

cdef int strangers_init(StrangerTable *table, unsigned long long seed) except -1
cdef void strangers_free(StrangerTable *table) noexcept

# Whether one more datagram from there is within the rate at this time.
cdef int stranger_may(StrangerTable *table, const Endpoint *source, int64_t now_us) noexcept nogil
