# The loop around one engine.
from libc.stdint cimport int64_t, uint64_t

from sfu.dataplane.connections cimport TcpPort
from sfu.dataplane.engine cimport Engine
from sfu.dataplane.state cimport Core
from sfu.dataplane.udp cimport UdpPort

cdef struct Loop:
    Core *core
    UdpPort *port
    TcpPort *streams        # NULL without TCP
    int socket_fd
    int feedback_fd         # RTCP; -1: it comes with the rest
    int wake_fd             # written by the control thread: commands, or the end
    int event_fd            # written by the loop: events
    int epoll_fd            # everything
    int media_epoll_fd      # everything but feedback
    int64_t feedback_us     # when feedback was read last, while it is not waited for; else 0
    int64_t media_us        # when media came last
    int routine             # nobody sends media, and the last turn met only what can wait
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
    cdef void _close_sockets(self)
