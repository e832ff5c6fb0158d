# The TCP connections of one port: their table, how they come and how they end. tcp.pyx reads and writes them.
from libc.stdint cimport uint8_t, uint32_t, uint64_t, int64_t

from sfu.dataplane.state cimport Core, Endpoint
from sfu.dataplane.stream cimport StreamReader, StreamWriter

cdef enum:
    PLACE_BITS = 12                 # of a connection's number; the rest counts who had the place
    MOST_CONNECTIONS = 1 << PLACE_BITS
    TURNS = (1 << (32 - PLACE_BITS)) - 1
    MOST_STRANGERS = 256            # connections that ICE has not validated
    STRANGER_BYTES = 16384          # checks are some 100 bytes each
    SWEEP_US = 250000               # how often connections are looked after
    INPUT_BYTES = 16384
    FRAMES = 64                     # read before they are forwarded; the engine's MAX_PENDING
    FRAME_ROOM = 2048

cdef struct Connection:
    uint32_t number                 # no other ever has it; epoll's value too
    int fd
    Endpoint remote
    int validated
    int queued                      # for tcp_flush
    int waiting                     # for EPOLLOUT
    int overflowed                  # there was no room for video
    int held                        # it gets no video
    uint64_t received
    int64_t opened_us
    int64_t progress_us             # when something was taken last, or the queue was empty
    int64_t video_us                # since when video waits
    int64_t held_us
    int64_t hold_us                 # how long
    StreamReader reader
    StreamWriter writer

cdef struct TcpPort:
    Core *core
    int listen_fd
    int epoll_fd
    int paused                      # no descriptor was left
    int frame_count
    uint32_t most
    uint32_t stranger_count
    uint32_t queued_count
    int64_t patience_us             # with strangers, half frames, and receivers that take nothing
    int64_t next_us
    Connection **places
    uint32_t *turns                 # how often a place was taken
    uint32_t *queued                # numbers
    uint32_t strangers[MOST_STRANGERS]      # numbers, oldest first
    uint8_t input[INPUT_BYTES]
    uint8_t frames[FRAMES][FRAME_ROOM]

# Takes the listening socket over.
cdef TcpPort *tcp_create(int listen_fd, uint32_t most, int64_t patience_us, Core *core) except NULL
cdef void tcp_free(TcpPort *port) noexcept
# The one whose number it is, or NULL.
cdef Connection *connection_find(const TcpPort *port, uint64_t number) noexcept nogil
# Accepts what is there, at most a few.
cdef void connections_accept(TcpPort *port) noexcept nogil
cdef void connections_resume(TcpPort *port) noexcept nogil
# Ends it for a CloseReason; the address goes with it, so never while packets are being forwarded.
cdef void connection_end(TcpPort *port, Connection *connection, int reason) noexcept nogil
# Whether ICE has said whose it is. Told once: afterwards no limit for strangers applies.
cdef int connection_validated(TcpPort *port, Connection *connection) noexcept nogil
# Whether to be told when it can be written.
cdef void connection_watch(TcpPort *port, Connection *connection, int writing) noexcept nogil
# So many at most (<= 64): their numbers, 0 for newcomers, and whether they may be written. Gives how many there are.
cdef int connections_ready(TcpPort *port, uint64_t *numbers, int *writable, int most) noexcept nogil
