# Datagrams from and to the TCP connections of one port.
from libc.stdint cimport uint8_t, uint32_t, uint64_t, int64_t

from sfu.dataplane.connections cimport TcpPort
from sfu.dataplane.state cimport Core, Endpoint

# What is there, of a few connections, into the engine; the packets must be forwarded before the next call.
cdef void tcp_receive(TcpPort *port) noexcept nogil
# A TransmitQueue's `stream`: puts a frame into the connection's queue, or drops and counts it.
cdef void tcp_put(void *port, const Endpoint *remote, const uint8_t *data, size_t length, int traffic) noexcept nogil
# Writes what was put, and looks after the connections when it is time.
cdef void tcp_flush(TcpPort *port) noexcept nogil

# When tcp_flush wants to run at the latest.
cdef inline int64_t tcp_next_us(const TcpPort *port) noexcept nogil:
    return port.next_us

cdef inline int tcp_is_used(const TcpPort *port) noexcept nogil:
    return port.core.counters.connections > 0
