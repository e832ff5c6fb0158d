"""Reading and writing the TCP connections of one port without waiting for anybody.

Owns the way of a frame from a connection into the engine, and of a packet into a connection's queue (stream.pyx) and out of it.
Who does not take what it is sent loses its video first: when that has waited too long, what waits is dropped, and none is
forwarded to it (choice.pyx) until everything has been taken and a while has passed; then it starts again with keyframes.
"""

from libc.errno cimport EAGAIN, EINTR, ENOBUFS, ENOMEM, errno
from libc.string cimport memset

from sfu.dataplane.addresses cimport address_find, same_endpoint
from sfu.dataplane.connections cimport (
    FRAMES,
    INPUT_BYTES,
    STRANGER_BYTES,
    SWEEP_US,
    Connection,
    connection_end,
    connection_find,
    connection_validated,
    connection_watch,
    connections_accept,
    connections_ready,
    connections_resume,
)
from sfu.dataplane.control cimport FAR_FUTURE
from sfu.dataplane.demux cimport receive_datagram
from sfu.dataplane.forward cimport forward_pending, slot_silence
from sfu.dataplane.reasons cimport (
    CLOSE_BY_PEER,
    CLOSE_ERROR,
    CLOSE_FRAME_TOO_LONG,
    CLOSE_HALF_FRAME,
    CLOSE_NOT_VALIDATED,
    CLOSE_STALLED,
    CLOSE_UNUSED,
    DROP_TCP_CLOSED,
    DROP_TCP_FULL,
    DROP_TCP_VIDEO,
)
from sfu.dataplane.state cimport KIND_VIDEO, TRAFFIC_RTX, TRAFFIC_VIDEO, SentRecord, Slot, Transport
from sfu.dataplane.stream cimport (
    FRAME_PARTIAL,
    FRAME_TOO_LONG,
    MAX_SPANS,
    URGENT_RING,
    VIDEO_RING,
    Span,
    ring_bytes,
    stream_drop_video,
    stream_empty,
    stream_next,
    stream_put,
    stream_spans,
    stream_written,
)
from sfu.dataplane.udp cimport monotonic_us

cdef extern from * nogil:
    """
    #include <string.h>
    #include <sys/socket.h>
    #include <sys/uio.h>
    static long ciranda_tcp_write(int fd, void *spans, int count) {
        struct msghdr message;
        memset(&message, 0, sizeof(message));
        message.msg_iov = (struct iovec *)spans;
        message.msg_iovlen = (size_t)count;
        return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    """
    int MSG_DONTWAIT
    long write_spans "ciranda_tcp_write"(int fd, void *spans, int count)
    long recv(int fd, void *data, size_t length, int flags)

cdef enum:
    READY = 16                      # connections served in one round: what they bring is bounded by this
    HOLD_AFTER_US = 1000000         # video that has waited so long makes the receiver a slow one
    HOLD_US = 1000000               # then it gets none for this long, doubled whenever it is too slow again soon after
    MOST_HOLD_US = 16000000
    HOLD_MEMORY_US = 20000000


# -- reading --------------------------------------------------------------------------------------------------------------------

# 0, or FRAME_TOO_LONG.
cdef int take_frames(TcpPort *port, Connection *connection, size_t length) noexcept nogil:
    cdef const uint8_t *data = port.input
    cdef uint8_t *frame
    cdef int size
    while True:
        if port.frame_count == FRAMES:
            forward_pending(port.core)
            port.frame_count = 0
        frame = port.frames[port.frame_count]
        size = stream_next(&connection.reader, &data, &length, frame, port.core.now_us)
        if size < 0:
            return 0 if size == FRAME_PARTIAL else size
        port.frame_count += 1
        receive_datagram(port.core, frame, size, &connection.remote, port.core.now_us)


cdef void read_some(TcpPort *port, Connection *connection) noexcept nogil:
    cdef long count = recv(connection.fd, port.input, INPUT_BYTES, MSG_DONTWAIT)
    if count < 0:
        if errno != EAGAIN and errno != EINTR:
            connection_end(port, connection, CLOSE_ERROR)
        return
    if count == 0:
        connection_end(port, connection, CLOSE_BY_PEER)
        return
    connection.received += count
    if take_frames(port, connection, count) == FRAME_TOO_LONG:
        connection_end(port, connection, CLOSE_FRAME_TOO_LONG)
    elif connection.received > STRANGER_BYTES and not connection_validated(port, connection):
        connection_end(port, connection, CLOSE_NOT_VALIDATED)


cdef void tcp_receive(TcpPort *port) noexcept nogil:
    cdef uint64_t numbers[READY]
    cdef int writable[READY]
    cdef Connection *connection
    cdef int place, count = connections_ready(port, numbers, writable, READY)
    if count > 0:
        port.core.now_us = monotonic_us()
    port.frame_count = 0
    for place in range(count):
        if numbers[place] == 0:
            connections_accept(port)
            continue
        connection = connection_find(port, numbers[place])
        if connection != NULL:
            if writable[place]:
                queue_up(port, connection)
            read_some(port, connection)


# -- writing --------------------------------------------------------------------------------------------------------------------

cdef void queue_up(TcpPort *port, Connection *connection) noexcept nogil:
    if not connection.queued:
        connection.queued = 1
        port.queued[port.queued_count] = connection.number
        port.queued_count += 1


cdef void tcp_put(void *context, const Endpoint *remote, const uint8_t *data, size_t length, int traffic) noexcept nogil:
    cdef TcpPort *port = <TcpPort *>context
    cdef Connection *connection = connection_find(port, remote.connection)
    cdef int video = traffic == TRAFFIC_VIDEO or traffic == TRAFFIC_RTX
    if connection == NULL or not same_endpoint(&connection.remote, remote):
        port.core.counters.dropped[<int>DROP_TCP_CLOSED] += 1
        return
    if video and connection.held:
        port.core.counters.dropped[<int>DROP_TCP_VIDEO] += 1
        return
    if stream_empty(&connection.writer):
        connection.progress_us = port.core.now_us
    if video and ring_bytes(&connection.writer.rings[<int>VIDEO_RING]) == 0:
        connection.video_us = port.core.now_us
    if stream_put(&connection.writer, VIDEO_RING if video else URGENT_RING, data, length):
        port.core.counters.dropped[<int>DROP_TCP_VIDEO if video else <int>DROP_TCP_FULL] += 1
        connection.overflowed |= video
    queue_up(port, connection)


# 0, or -1: the connection is broken.
cdef int write_some(TcpPort *port, Connection *connection) noexcept nogil:
    cdef Span spans[MAX_SPANS]
    cdef int count
    cdef long written
    while True:
        count = stream_spans(&connection.writer, spans)
        if count == 0:
            break
        written = write_spans(connection.fd, spans, count)
        if written > 0:
            stream_written(&connection.writer, <size_t>written)
            connection.progress_us = port.core.now_us
        elif written == 0 or errno == EAGAIN or errno == ENOBUFS or errno == ENOMEM:
            break
        elif errno != EINTR:
            return -1
    connection_watch(port, connection, count > 0)
    return 0


# The transport that sends to this connection now.
cdef Transport *sender_of(TcpPort *port, const Connection *connection) noexcept nogil:
    cdef Transport *transport = address_find(&port.core.addresses, &connection.remote)
    return transport if transport != NULL and same_endpoint(&transport.remote, &connection.remote) else NULL


# No video from now on, and none that still waits: what comes later is of no use without what was lost.
cdef void hold_video(TcpPort *port, Connection *connection) noexcept nogil:
    cdef Transport *transport = sender_of(port, connection)
    cdef Slot *slot
    cdef int64_t now_us = port.core.now_us
    cdef int again = connection.hold_us > 0 and now_us - connection.held_us < connection.hold_us + HOLD_MEMORY_US
    connection.hold_us = min(connection.hold_us * 2, <int64_t>MOST_HOLD_US) if again else HOLD_US
    connection.held_us = now_us
    connection.held = 1
    connection.overflowed = 0
    port.core.counters.dropped[<int>DROP_TCP_VIDEO] += stream_drop_video(&connection.writer)
    if transport == NULL:
        return
    transport.held = connection.number
    slot = transport.slots
    while slot != NULL:
        if slot.kind == KIND_VIDEO:
            slot_silence(slot)
            # What was dropped shall not come again when it is asked for.
            memset(slot.sent, 0, (<size_t>slot.sent_mask + 1) * sizeof(SentRecord))
        slot = slot.next


# Slots find their layers again by themselves, and ask for their keyframes (choice.pyx).
cdef void release_video(TcpPort *port, Connection *connection) noexcept nogil:
    cdef Transport *transport = address_find(&port.core.addresses, &connection.remote)
    connection.held = 0
    if transport != NULL and transport.held == connection.number:
        transport.held = 0


cdef inline int is_behind(const TcpPort *port, const Connection *connection) noexcept nogil:
    if connection.held:
        return 0
    return connection.overflowed or (ring_bytes(&connection.writer.rings[<int>VIDEO_RING]) > 0
                                     and port.core.now_us - connection.video_us >= HOLD_AFTER_US)


cdef void write_queued(TcpPort *port) noexcept nogil:
    cdef Connection *connection
    cdef uint32_t place = 0
    while place < port.queued_count:
        connection = connection_find(port, port.queued[place])
        place += 1
        if connection == NULL:
            continue
        connection.queued = 0
        if write_some(port, connection):
            connection_end(port, connection, CLOSE_ERROR)
        elif is_behind(port, connection):
            hold_video(port, connection)
    port.queued_count = 0


# -- looking after them ---------------------------------------------------------------------------------------------------------

# Why it must end, or -1.
cdef int fault_of(TcpPort *port, Connection *connection) noexcept nogil:
    cdef int64_t now_us = port.core.now_us
    if connection.reader.have and now_us - connection.reader.since_us > port.patience_us:
        return CLOSE_HALF_FRAME
    if not connection_validated(port, connection):
        return CLOSE_NOT_VALIDATED if now_us - connection.opened_us > port.patience_us else -1
    if address_find(&port.core.addresses, &connection.remote) == NULL:
        return CLOSE_UNUSED
    if not stream_empty(&connection.writer) and now_us - connection.progress_us > port.patience_us:
        return CLOSE_STALLED
    return -1


cdef void look_after(TcpPort *port, Connection *connection) noexcept nogil:
    cdef int fault = fault_of(port, connection)
    if fault >= 0:
        connection_end(port, connection, fault)
    elif is_behind(port, connection):
        hold_video(port, connection)
    elif (connection.held and port.core.now_us - connection.held_us >= connection.hold_us
            and stream_empty(&connection.writer)):
        release_video(port, connection)


cdef void sweep(TcpPort *port) noexcept nogil:
    cdef uint32_t place
    connections_resume(port)
    for place in range(port.most):
        if port.places[place] != NULL:
            look_after(port, port.places[place])
    port.next_us = port.core.now_us + SWEEP_US if port.core.counters.connections else FAR_FUTURE


cdef void tcp_flush(TcpPort *port) noexcept nogil:
    if port.queued_count:
        write_queued(port)
    if port.core.now_us >= port.next_us:
        sweep(port)
