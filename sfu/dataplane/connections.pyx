"""The TCP connections of one port: ICE-TCP for networks without UDP (RFC 6544, passive; framed by RFC 4571).

Owns the table of connections, their memory, and how they come and end. To the engine a connection is an address with a number of
its own, so ICE, DTLS and SRTP know no difference; the number is never given again, and whoever names one that has ended finds
nothing. All that a stranger can have is bounded: connections, bytes and time until ICE has validated them.
"""

from libc.errno cimport ECONNABORTED, EINTR, EMFILE, ENFILE, ENOBUFS, ENOMEM, errno
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memmove, memset
from posix.unistd cimport close

from sfu.dataplane.addresses cimport address_find, address_remove, is_ipv4
from sfu.dataplane.control cimport FAR_FUTURE
from sfu.dataplane.events cimport EVENT_CLOSED, event_datagram
from sfu.dataplane.forward cimport forward_pending
from sfu.dataplane.reasons cimport CLOSE_CROWDED_OUT, CLOSE_ERROR, CLOSE_LIMIT
from sfu.dataplane.state cimport Transport
from sfu.dataplane.stream cimport URGENT_BYTES, VIDEO_BYTES, stream_writer_init
from sfu.dataplane.udp cimport endpoint_of

cdef extern from * nogil:
    """
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE
    #endif
    #include <netinet/in.h>
    #include <netinet/tcp.h>
    #include <stdint.h>
    #include <sys/epoll.h>
    #include <sys/mman.h>
    #include <sys/socket.h>
    #ifndef TCP_NOTSENT_LOWAT
    #define TCP_NOTSENT_LOWAT 25
    #endif
    static int ciranda_tcp_watch(int epoll, int operation, int fd, uint64_t value, unsigned int events) {
        struct epoll_event event = {.events = events, .data.u64 = value};
        return epoll_ctl(epoll, operation, fd, &event);
    }
    static int ciranda_tcp_ready(int epoll, uint64_t *values, int *writable, int most) {
        struct epoll_event events[64];
        int place, count = epoll_wait(epoll, events, most < 64 ? most : 64, 0);
        for (place = 0; place < count; place++) {
            values[place] = events[place].data.u64;
            writable[place] = (events[place].events & EPOLLOUT) != 0;
        }
        return count;
    }
    static int ciranda_tcp_accept(int listening, struct sockaddr_storage *name) {
        socklen_t length = sizeof(*name);
        return accept4(listening, (struct sockaddr *)name, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    }
    static void ciranda_tcp_options(int fd, int send_buffer, int unsent, int user_timeout_ms) {
        int one = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof(send_buffer));
        setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms, sizeof(user_timeout_ms));
    }
    static void *ciranda_pages(size_t size) {
        void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return pages == MAP_FAILED ? NULL : pages;
    }
    """
    struct sockaddr_storage:
        pass
    int EPOLLIN, EPOLLOUT, EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CLOEXEC
    int epoll_create1(int flags)
    int watch "ciranda_tcp_watch"(int epoll, int operation, int fd, uint64_t value, unsigned int events)
    int wait_for "ciranda_tcp_ready"(int epoll, uint64_t *values, int *writable, int most)
    int accept_one "ciranda_tcp_accept"(int listening, sockaddr_storage *name)
    void set_options "ciranda_tcp_options"(int fd, int send_buffer, int unsent, int user_timeout_ms)
    void *get_pages "ciranda_pages"(size_t size)
    int munmap(void *pages, size_t size)

cdef enum:
    LISTENING = 0                   # epoll's value; a connection's is its number
    ACCEPTS = 8                     # in one round
    MOST_STRANGERS_NETWORK = 64     # from one IPv4 address or IPv6 /64: an office behind one NAT may come all at once
    SEND_BUFFER = 131072            # in flight: 10 Mbit/s at 100 ms
    UNSENT_BYTES = 16384            # of it not yet sent: the queue is ours, where audio overtakes video
    USER_TIMEOUT_MS = 30000         # unacknowledged for so long: the path is gone (RFC 5482)


cdef inline size_t block_bytes() noexcept nogil:
    return sizeof(Connection) + <size_t>URGENT_BYTES + <size_t>VIDEO_BYTES


cdef TcpPort *tcp_create(int listen_fd, uint32_t most, int64_t patience_us, Core *core) except NULL:
    cdef TcpPort *port = <TcpPort *>calloc(1, sizeof(TcpPort))
    if port == NULL:
        close(listen_fd)
        raise MemoryError
    port.core = core
    port.listen_fd = listen_fd
    port.epoll_fd = epoll_create1(EPOLL_CLOEXEC)
    port.most = min(most, <uint32_t>MOST_CONNECTIONS)
    port.patience_us = patience_us
    port.next_us = FAR_FUTURE
    port.places = <Connection **>calloc(port.most, sizeof(Connection *))
    port.turns = <uint32_t *>calloc(port.most, sizeof(uint32_t))
    # Between two writings a place may be left and taken again, as often as connections are accepted.
    port.queued = <uint32_t *>calloc(port.most + ACCEPTS, sizeof(uint32_t))
    if port.places == NULL or port.turns == NULL or port.queued == NULL:
        tcp_free(port)
        raise MemoryError
    if port.epoll_fd < 0 or watch(port.epoll_fd, EPOLL_CTL_ADD, listen_fd, LISTENING, EPOLLIN):
        tcp_free(port)
        raise OSError("epoll does not take the TCP port")
    return port


cdef void tcp_free(TcpPort *port) noexcept:
    cdef uint32_t place
    if port == NULL:
        return
    if port.places != NULL:
        for place in range(port.most):
            if port.places[place] != NULL:
                close(port.places[place].fd)
                munmap(port.places[place], block_bytes())
    close(port.listen_fd)
    if port.epoll_fd >= 0:
        close(port.epoll_fd)
    free(port.places)
    free(port.turns)
    free(port.queued)
    free(port)


cdef Connection *connection_find(const TcpPort *port, uint64_t number) noexcept nogil:
    cdef uint32_t place = <uint32_t>number & (MOST_CONNECTIONS - 1)
    if place >= port.most or port.places[place] == NULL or port.places[place].number != number:
        return NULL
    return port.places[place]


# -- the end of a connection ----------------------------------------------------------------------------------------------------

cdef void no_stranger(TcpPort *port, uint32_t number) noexcept nogil:
    cdef uint32_t place
    for place in range(port.stranger_count):
        if port.strangers[place] == number:
            port.stranger_count -= 1
            memmove(&port.strangers[place], &port.strangers[place + 1], (port.stranger_count - place) * sizeof(uint32_t))
            return


cdef void connection_end(TcpPort *port, Connection *connection, int reason) noexcept nogil:
    cdef Core *core = port.core
    cdef Transport *transport = address_find(&core.addresses, &connection.remote)
    forward_pending(core)
    if transport != NULL:
        address_remove(core, transport, &connection.remote)
    if connection.received:
        event_datagram(core, EVENT_CLOSED, transport, &connection.remote, port.input, 0)
    if not connection.validated:
        no_stranger(port, connection.number)
    core.counters.closed[reason] += 1
    core.counters.connections -= 1
    port.places[connection.number & (MOST_CONNECTIONS - 1)] = NULL
    close(connection.fd)
    munmap(connection, block_bytes())


# -- accepting ------------------------------------------------------------------------------------------------------------------

cdef int connection_validated(TcpPort *port, Connection *connection) noexcept nogil:
    if not connection.validated and address_find(&port.core.addresses, &connection.remote) != NULL:
        connection.validated = 1
        no_stranger(port, connection.number)
    return connection.validated


cdef inline int same_network(const Endpoint *a, const Endpoint *b) noexcept nogil:
    return memcmp(a.ip, b.ip, 16 if is_ipv4(a) else 8) == 0


# The oldest stranger of the newcomer's network goes where that has its share already, else the oldest of all.
cdef void make_room(TcpPort *port, const Endpoint *newcomer) noexcept nogil:
    cdef Connection *oldest = NULL
    cdef Connection *stranger
    cdef uint32_t place = 0, of_network = 0
    while place < port.stranger_count:
        stranger = connection_find(port, port.strangers[place])
        if connection_validated(port, stranger):
            continue                # it has left the list
        if same_network(&stranger.remote, newcomer):
            of_network += 1
            if oldest == NULL:
                oldest = stranger
        place += 1
    if of_network < MOST_STRANGERS_NETWORK:
        oldest = connection_find(port, port.strangers[0]) if port.stranger_count == MOST_STRANGERS else NULL
    if oldest != NULL:
        connection_end(port, oldest, CLOSE_CROWDED_OUT)


cdef uint32_t free_place(const TcpPort *port) noexcept nogil:
    cdef uint32_t place
    for place in range(port.most):
        if port.places[place] == NULL:
            break
    else:
        return port.most
    return place


cdef void admit(TcpPort *port, int fd, const sockaddr_storage *name) noexcept nogil:
    cdef Connection *made = NULL
    cdef Endpoint remote
    cdef uint32_t place
    endpoint_of(name, &remote)
    make_room(port, &remote)
    place = free_place(port)
    if place < port.most:
        made = <Connection *>get_pages(block_bytes())
    if made == NULL:
        port.core.counters.closed[<int>CLOSE_LIMIT] += 1
        close(fd)
        return
    port.turns[place] = (port.turns[place] + 1) & TURNS
    if port.turns[place] == 0:
        port.turns[place] = 1       # so that no number is 0
    made.number = port.turns[place] << PLACE_BITS | place
    made.fd = fd
    made.remote = remote
    made.remote.connection = made.number
    made.opened_us = made.progress_us = port.core.now_us
    stream_writer_init(&made.writer, <uint8_t *>made + sizeof(Connection))
    set_options(fd, SEND_BUFFER, UNSENT_BYTES, USER_TIMEOUT_MS)
    if watch(port.epoll_fd, EPOLL_CTL_ADD, fd, made.number, EPOLLIN):
        port.core.counters.closed[<int>CLOSE_ERROR] += 1
        close(fd)
        munmap(made, block_bytes())
        return
    port.places[place] = made
    port.strangers[port.stranger_count] = made.number
    port.stranger_count += 1
    port.core.counters.connections += 1
    port.next_us = min(port.next_us, port.core.now_us + SWEEP_US)


cdef void connections_accept(TcpPort *port) noexcept nogil:
    cdef sockaddr_storage name
    cdef int turn, fd
    for turn in range(ACCEPTS):
        memset(&name, 0, sizeof(name))
        fd = accept_one(port.listen_fd, &name)
        if fd >= 0:
            admit(port, fd, &name)
        elif errno == EMFILE or errno == ENFILE or errno == ENOBUFS or errno == ENOMEM:
            # Whoever waits would wake us for nothing until a descriptor is free.
            port.core.counters.closed[<int>CLOSE_LIMIT] += 1
            port.paused = 1
            watch(port.epoll_fd, EPOLL_CTL_MOD, port.listen_fd, LISTENING, 0)
            port.next_us = min(port.next_us, port.core.now_us + SWEEP_US)
            return
        elif errno != EINTR and errno != ECONNABORTED:
            return


cdef void connections_resume(TcpPort *port) noexcept nogil:
    if port.paused:
        port.paused = 0
        watch(port.epoll_fd, EPOLL_CTL_MOD, port.listen_fd, LISTENING, EPOLLIN)


cdef int connections_ready(TcpPort *port, uint64_t *numbers, int *writable, int most) noexcept nogil:
    return wait_for(port.epoll_fd, numbers, writable, most)


cdef void connection_watch(TcpPort *port, Connection *connection, int writing) noexcept nogil:
    if writing != connection.waiting:
        connection.waiting = writing
        watch(port.epoll_fd, EPOLL_CTL_MOD, connection.fd, connection.number,
              <unsigned int>(EPOLLIN | (EPOLLOUT if writing else 0)))
