# The loop around one engine.
from libc.stdint cimport uint64_t

from sfu.dataplane.engine cimport Engine
from sfu.dataplane.state cimport Core
from sfu.dataplane.udp cimport UdpPort

cdef struct Loop:
    Core *core
    UdpPort *port
    int socket_fd
    int wake_fd             # written by the control thread: commands, or the end
    int event_fd            # written by the loop: events
    int epoll_fd
    uint64_t stop

cdef class Worker:
    cdef Engine engine
    cdef object _address
    cdef int family
    cdef Loop *loop
    cdef unsigned long thread
    cdef bint started
    cdef bint stopped
    cdef object __weakref__

    cdef void _end(self)
