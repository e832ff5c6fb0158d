# One UDP socket read and written in batches.
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t, int64_t

from sfu.dataplane.state cimport Core, Endpoint

cdef enum:
    UDP_BATCH = 64              # datagrams read at once; the engine's MAX_PENDING

cdef struct UdpPort

cdef UdpPort *udp_create(int fd, int family, Core *core) except NULL
cdef void udp_free(UdpPort *port) noexcept
# Reads what one of the worker's sockets has, at most one batch, into the engine. Gives the number of datagrams.
cdef int udp_receive(UdpPort *port, int fd) noexcept nogil
# Sends what the engine's transmit queue holds.
cdef void udp_flush(void *port) noexcept nogil
# One datagram at once, from any thread: 0, or errno.
cdef int udp_send_one(int fd, int family, const Endpoint *remote, const uint8_t *data, size_t length) noexcept nogil
# Of a sockaddr_in or a sockaddr_in6.
cdef void endpoint_of(const void *name, Endpoint *out) noexcept nogil
cdef int64_t monotonic_us() noexcept nogil
