# Datagrams in a byte stream (RFC 4571): two bytes of length before each. No sockets here.
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t, int64_t

from sfu.dataplane.state cimport MAX_DATAGRAM

cdef enum:
    FRAME_HEADER = 2
    FRAME_PARTIAL = -1          # more bytes are needed
    FRAME_TOO_LONG = -2         # the stream cannot be read any further
    URGENT_RING = 0             # all but video
    VIDEO_RING = 1
    URGENT_BYTES = 65536        # of a ring; powers of two
    VIDEO_BYTES = 524288
    MAX_SPANS = 6

# What has come of a frame that is not whole.
cdef struct StreamReader:
    uint8_t frame[FRAME_HEADER + MAX_DATAGRAM]
    uint32_t have
    int64_t since_us            # when its first byte came

cdef struct FrameRing:
    uint8_t *bytes
    uint32_t size
    uint64_t head               # bytes taken, ever
    uint64_t tail               # bytes put, ever

cdef struct StreamWriter:
    FrameRing rings[2]
    uint32_t cut                # bytes left of a frame whose beginning has been sent
    uint8_t cut_ring

# iovec of <sys/uio.h>
cdef struct Span:
    void *data
    size_t length

# Takes the next frame out of `data`, which moves on: its length, with its bytes in `out` (MAX_DATAGRAM), or one of the above.
cdef int stream_next(StreamReader *reader, const uint8_t **data, size_t *left, uint8_t *out, int64_t now_us) noexcept nogil

# `bytes`: URGENT_BYTES + VIDEO_BYTES of it.
cdef void stream_writer_init(StreamWriter *writer, uint8_t *bytes) noexcept nogil
# 0, or -1: the ring has no room for this frame.
cdef int stream_put(StreamWriter *writer, int ring, const uint8_t *data, size_t length) noexcept nogil
# What is to be written next, in order: what is left of a frame, what is urgent, video. Gives the number of spans.
cdef int stream_spans(const StreamWriter *writer, Span *out) noexcept nogil
# So many of these bytes were written.
cdef void stream_written(StreamWriter *writer, size_t count) noexcept nogil
# Forgets all video of which nothing has been written. Gives the number of frames.
cdef uint64_t stream_drop_video(StreamWriter *writer) noexcept nogil

cdef inline uint64_t ring_bytes(const FrameRing *ring) noexcept nogil:
    return ring.tail - ring.head

cdef inline int stream_empty(const StreamWriter *writer) noexcept nogil:
    return ring_bytes(&writer.rings[0]) == 0 and ring_bytes(&writer.rings[1]) == 0
