"""Reads and writes a UDP socket in batches: recvmmsg with the kernel's receive times, sendmmsg with UDP_SEGMENT.

Owns the message headers and buffers of one socket. Equal packets in a row to one destination go to the kernel as one
message, at most MAX_SEGMENTS of them, so that a burst never reaches a receiver in one piece. It knows nothing of RTP.
"""

from libc.errno cimport EAFNOSUPPORT, EAGAIN, EINTR, EINVAL, EIO, EMSGSIZE, ENOBUFS, errno
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memcpy, memset

from sfu.dataplane.addresses cimport is_ipv4
from sfu.dataplane.demux cimport receive_datagram
from sfu.dataplane.reasons cimport DROP_SEND_ERROR, DROP_SEND_FULL, DROP_TCP_CLOSED, DROP_TOO_LARGE
from sfu.dataplane.snapshots cimport latency_bounds
from sfu.dataplane.state cimport LATENCY_BUCKETS, NONE16, TransmitEntry, TransmitQueue
from sfu.dataplane.transmit cimport transmit_clear

cdef extern from * nogil:
    """
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE
    #endif
    #include <errno.h>
    #include <netinet/in.h>
    #include <netinet/udp.h>
    #include <poll.h>
    #include <sys/socket.h>
    #include <time.h>
    #ifndef UDP_SEGMENT
    #define UDP_SEGMENT 103
    #endif
    """
    ctypedef long ssize_t
    struct iovec:
        void *iov_base
        size_t iov_len
    struct msghdr:
        void *msg_name
        uint32_t msg_namelen
        iovec *msg_iov
        size_t msg_iovlen
        void *msg_control
        size_t msg_controllen
        int msg_flags
    struct mmsghdr:
        msghdr msg_hdr
        unsigned int msg_len
    struct cmsghdr:
        size_t cmsg_len
        int cmsg_level
        int cmsg_type
    struct in_addr:
        uint32_t s_addr
    struct in6_addr:
        uint8_t s6_addr[16]
    struct sockaddr_in:
        uint16_t sin_family
        uint16_t sin_port
        in_addr sin_addr
    struct sockaddr_in6:
        uint16_t sin6_family
        uint16_t sin6_port
        in6_addr sin6_addr
        uint32_t sin6_scope_id
    struct sockaddr:
        pass
    struct sockaddr_storage:
        uint16_t ss_family
    struct timespec:
        long tv_sec
        long tv_nsec
    struct pollfd:
        int fd
        short events
        short revents
    int AF_INET, AF_INET6, SOL_SOCKET, SOL_UDP, UDP_SEGMENT, SCM_TIMESTAMPNS
    int MSG_DONTWAIT, MSG_TRUNC, POLLOUT, CLOCK_MONOTONIC, CLOCK_REALTIME
    int recvmmsg(int fd, mmsghdr *messages, unsigned int count, int flags, void *timeout)
    int sendmmsg(int fd, mmsghdr *messages, unsigned int count, int flags)
    ssize_t sendto(int fd, const void *data, size_t length, int flags, const sockaddr *name, uint32_t namelen)
    int poll(pollfd *fds, unsigned long count, int timeout_ms)
    int clock_gettime(int clock, timespec *out)
    cmsghdr *CMSG_FIRSTHDR(msghdr *message)
    cmsghdr *CMSG_NXTHDR(msghdr *message, cmsghdr *header)
    uint8_t *CMSG_DATA(cmsghdr *header)
    size_t CMSG_LEN(size_t length)
    size_t CMSG_SPACE(size_t length)
    uint16_t htons(uint16_t value)
    uint16_t ntohs(uint16_t value)

cdef enum:
    RECEIVE_SIZE = 2048         # of a buffer: what is longer is cut off and dropped
    SEND_BATCH = 512            # messages of one sendmmsg
    SEND_PACKETS = 2048         # of one flush: the transmit queue's capacity
    CONTROL_SIZE = 64
    MAX_SEGMENTS = 16           # packets in one message
    SEND_WAIT_MS = 2            # for a full socket buffer, once a flush
    MAX_CLOCK_AGE_US = 1000000  # a receive time further back is a clock that was set

cdef struct UdpPort:
    int fd
    int family
    int segments                # the kernel takes UDP_SEGMENT
    int waited                  # for a full buffer, in this flush
    Core *core
    uint8_t data[UDP_BATCH][RECEIVE_SIZE]
    mmsghdr incoming[UDP_BATCH]
    iovec incoming_data[UDP_BATCH]
    sockaddr_storage incoming_names[UDP_BATCH]
    uint8_t incoming_control[UDP_BATCH][CONTROL_SIZE]
    mmsghdr outgoing[SEND_BATCH]
    sockaddr_storage outgoing_names[SEND_BATCH]
    uint8_t outgoing_control[SEND_BATCH][CONTROL_SIZE]
    iovec outgoing_data[SEND_PACKETS]
    int message_count
    int packet_count


cdef int64_t microseconds(int clock) noexcept nogil:
    cdef timespec now
    clock_gettime(clock, &now)
    return <int64_t>now.tv_sec * 1000000 + now.tv_nsec // 1000


cdef int64_t monotonic_us() noexcept nogil:
    return microseconds(CLOCK_MONOTONIC)


cdef UdpPort *udp_create(int fd, int family, Core *core) except NULL:
    cdef UdpPort *port = <UdpPort *>calloc(1, sizeof(UdpPort))
    cdef int place
    if port == NULL:
        raise MemoryError
    port.fd = fd
    port.family = family
    port.core = core
    port.segments = 1
    for place in range(UDP_BATCH):
        port.incoming_data[place].iov_base = port.data[place]
        port.incoming_data[place].iov_len = RECEIVE_SIZE
        port.incoming[place].msg_hdr.msg_iov = &port.incoming_data[place]
        port.incoming[place].msg_hdr.msg_iovlen = 1
        port.incoming[place].msg_hdr.msg_name = &port.incoming_names[place]
        port.incoming[place].msg_hdr.msg_control = port.incoming_control[place]
    return port


cdef void udp_free(UdpPort *port) noexcept:
    free(port)


# -- addresses ------------------------------------------------------------------------------------------------------------------

cdef void endpoint_of(const void *name, Endpoint *out) noexcept nogil:
    cdef const sockaddr_in *four = <const sockaddr_in *>name
    cdef const sockaddr_in6 *six = <const sockaddr_in6 *>name
    memset(out, 0, sizeof(Endpoint))
    if four.sin_family == AF_INET:
        out.ip[10] = 255
        out.ip[11] = 255
        memcpy(out.ip + 12, &four.sin_addr, 4)
        out.port = ntohs(four.sin_port)
    else:
        memcpy(out.ip, &six.sin6_addr, 16)
        out.port = ntohs(six.sin6_port)
        out.scope = six.sin6_scope_id


cdef uint32_t name_of(const Endpoint *remote, int family, sockaddr_storage *out) noexcept nogil:
    cdef sockaddr_in *four = <sockaddr_in *>out
    cdef sockaddr_in6 *six = <sockaddr_in6 *>out
    if family == AF_INET:
        memset(out, 0, sizeof(sockaddr_in))
        four.sin_family = <uint16_t>AF_INET
        four.sin_port = htons(remote.port)
        memcpy(&four.sin_addr, remote.ip + 12, 4)
        return sizeof(sockaddr_in)
    memset(out, 0, sizeof(sockaddr_in6))
    six.sin6_family = <uint16_t>AF_INET6
    six.sin6_port = htons(remote.port)
    six.sin6_scope_id = remote.scope
    memcpy(&six.sin6_addr, remote.ip, 16)
    return sizeof(sockaddr_in6)


# -- receiving ------------------------------------------------------------------------------------------------------------------

# Real time of arrival, 0 if the kernel did not say.
cdef int64_t arrival_of(msghdr *message) noexcept nogil:
    cdef cmsghdr *header = CMSG_FIRSTHDR(message)
    cdef timespec stamp
    while header != NULL:
        if header.cmsg_level == SOL_SOCKET and header.cmsg_type == SCM_TIMESTAMPNS:
            memcpy(&stamp, CMSG_DATA(header), sizeof(stamp))
            return <int64_t>stamp.tv_sec * 1000000 + stamp.tv_nsec // 1000
        header = CMSG_NXTHDR(message, header)
    return 0


cdef int udp_receive(UdpPort *port, int fd) noexcept nogil:
    cdef Core *core = port.core
    cdef Endpoint source
    cdef int64_t to_monotonic, arrival_us
    cdef int place, count
    for place in range(UDP_BATCH):
        port.incoming[place].msg_hdr.msg_namelen = sizeof(sockaddr_storage)
        port.incoming[place].msg_hdr.msg_controllen = CONTROL_SIZE
    count = recvmmsg(fd, port.incoming, UDP_BATCH, MSG_DONTWAIT, NULL)
    if count <= 0:
        return 0
    core.now_us = monotonic_us()
    to_monotonic = core.now_us - microseconds(CLOCK_REALTIME)
    for place in range(count):
        arrival_us = arrival_of(&port.incoming[place].msg_hdr) + to_monotonic
        if arrival_us > core.now_us or arrival_us < core.now_us - MAX_CLOCK_AGE_US:
            arrival_us = core.now_us
        if port.incoming[place].msg_hdr.msg_flags & MSG_TRUNC:
            core.counters.dropped[<int>DROP_TOO_LARGE] += 1
            continue
        endpoint_of(&port.incoming_names[place], &source)
        receive_datagram(core, port.data[place], port.incoming[place].msg_len, &source, arrival_us)
    return count


# -- sending --------------------------------------------------------------------------------------------------------------------

cdef void drop_message(UdpPort *port, int message, int reason) noexcept nogil:
    port.core.counters.dropped[reason] += port.outgoing[message].msg_hdr.msg_iovlen


# The packets of a message that the kernel did not take as one.
cdef void send_apart(UdpPort *port, int message) noexcept nogil:
    cdef msghdr *header = &port.outgoing[message].msg_hdr
    cdef size_t place
    for place in range(header.msg_iovlen):
        if sendto(port.fd, header.msg_iov[place].iov_base, header.msg_iov[place].iov_len, MSG_DONTWAIT,
                  <const sockaddr *>header.msg_name, header.msg_namelen) < 0:
            port.core.counters.dropped[<int>DROP_SEND_FULL if errno == EAGAIN else <int>DROP_SEND_ERROR] += 1


# The first message that was not sent. Gives 1 if it shall be tried again.
cdef int failed(UdpPort *port, int message, int error) noexcept nogil:
    cdef pollfd waiting
    if error == EINTR:
        return 1
    if error == EAGAIN or error == ENOBUFS:
        if not port.waited:
            port.waited = 1
            waiting.fd = port.fd
            waiting.events = <short>POLLOUT
            if poll(&waiting, 1, SEND_WAIT_MS) > 0:
                return 1
        drop_message(port, message, DROP_SEND_FULL)
        return 0
    if port.outgoing[message].msg_hdr.msg_controllen and (error == EINVAL or error == EIO or error == EMSGSIZE):
        # EIO: the interface cannot do it. The others: this path's packets must be smaller.
        if error == EIO:
            port.segments = 0
        send_apart(port, message)
        return 0
    drop_message(port, message, DROP_SEND_ERROR)
    return 0


cdef void send_messages(UdpPort *port) noexcept nogil:
    cdef int place = 0
    cdef int sent
    while place < port.message_count:
        sent = sendmmsg(port.fd, &port.outgoing[place], <unsigned int>(port.message_count - place), MSG_DONTWAIT)
        if sent > 0:
            place += sent
        elif not failed(port, place, errno):
            place += 1
    port.message_count = 0


cdef void close_message(UdpPort *port, uint16_t segment) noexcept nogil:
    cdef msghdr *header = &port.outgoing[port.message_count - 1].msg_hdr
    cdef cmsghdr *control
    if header.msg_iovlen < 2:
        return
    header.msg_control = port.outgoing_control[port.message_count - 1]
    header.msg_controllen = CMSG_SPACE(sizeof(uint16_t))
    control = CMSG_FIRSTHDR(header)
    control.cmsg_level = SOL_UDP
    control.cmsg_type = UDP_SEGMENT
    control.cmsg_len = CMSG_LEN(sizeof(uint16_t))
    memcpy(CMSG_DATA(control), &segment, sizeof(segment))


# Starts a message with this packet.
cdef void open_message(UdpPort *port, const TransmitEntry *entry, const sockaddr_storage *name,
                       uint32_t name_length) noexcept nogil:
    cdef msghdr *header
    if port.message_count == SEND_BATCH:
        send_messages(port)
    header = &port.outgoing[port.message_count].msg_hdr
    memcpy(&port.outgoing_names[port.message_count], name, name_length)
    header.msg_name = &port.outgoing_names[port.message_count]
    header.msg_namelen = name_length
    header.msg_iov = &port.outgoing_data[port.packet_count]
    header.msg_iovlen = 0
    header.msg_control = NULL
    header.msg_controllen = 0
    port.message_count += 1


# To a TCP connection's address.
cdef void hand_over(UdpPort *port, const TransmitEntry *entry) noexcept nogil:
    cdef TransmitQueue *queue = &port.core.queue
    if queue.stream != NULL:
        queue.stream(queue.stream_context, &entry.remote, entry.data, entry.length, entry.traffic)
    else:
        port.core.counters.dropped[<int>DROP_TCP_CLOSED] += 1


# All datagrams to one transport: runs of one size, the last of a run may be shorter.
cdef void queue_chain(UdpPort *port, const TransmitQueue *queue, uint16_t place) noexcept nogil:
    cdef const TransmitEntry *entry
    cdef const TransmitEntry *first = NULL
    cdef sockaddr_storage name
    cdef uint32_t name_length = 0
    cdef size_t count = 0
    cdef int ended = 1
    while place != NONE16:
        entry = &queue.entries[place]
        place = entry.next
        if (ended or count == MAX_SEGMENTS or entry.length > first.length or not port.segments
                or memcmp(&entry.remote, &first.remote, sizeof(Endpoint)) != 0):
            if first != NULL:
                close_message(port, first.length)
            if entry.remote.connection:
                hand_over(port, entry)
                first = NULL
                ended = 1
                continue
            if first == NULL or memcmp(&entry.remote, &first.remote, sizeof(Endpoint)) != 0:
                name_length = name_of(&entry.remote, port.family, &name)
            open_message(port, entry, &name, name_length)
            first = entry
            count = 0
        port.outgoing_data[port.packet_count].iov_base = entry.data
        port.outgoing_data[port.packet_count].iov_len = entry.length
        port.outgoing[port.message_count - 1].msg_hdr.msg_iovlen += 1
        port.packet_count += 1
        count += 1
        ended = entry.length < first.length
    if first != NULL:
        close_message(port, first.length)


cdef void note_latency(UdpPort *port, const TransmitQueue *queue) noexcept nogil:
    cdef const int64_t *bounds = latency_bounds()
    cdef int64_t now_us = monotonic_us()
    cdef int64_t last_us = 0, spent_us = 0
    cdef int bucket = 0
    cdef int place
    for place in range(queue.count):
        if queue.entries[place].arrival_us == 0:
            continue
        if queue.entries[place].arrival_us != last_us:
            last_us = queue.entries[place].arrival_us
            spent_us = max(now_us - last_us, 0)
            bucket = 0
            while bucket < LATENCY_BUCKETS - 1 and spent_us > bounds[bucket]:
                bucket += 1
        port.core.counters.latency[bucket] += 1
        port.core.counters.latency_sum_us += <uint64_t>spent_us


cdef void udp_flush(void *context) noexcept nogil:
    cdef UdpPort *port = <UdpPort *>context
    cdef TransmitQueue *queue = &port.core.queue
    cdef uint16_t place
    if queue.count == 0:
        return
    port.packet_count = 0
    port.message_count = 0
    port.waited = 0
    for place in range(queue.chain_count):
        queue_chain(port, queue, queue.chains[place])
    send_messages(port)
    note_latency(port, queue)
    transmit_clear(queue)


cdef int udp_send_one(int fd, int family, const Endpoint *remote, const uint8_t *data, size_t length) noexcept nogil:
    cdef sockaddr_storage name
    cdef uint32_t name_length
    if family == AF_INET and not is_ipv4(remote):
        return EAFNOSUPPORT
    name_length = name_of(remote, family, &name)
    return 0 if sendto(fd, data, length, MSG_DONTWAIT, <const sockaddr *>&name, name_length) >= 0 else errno
