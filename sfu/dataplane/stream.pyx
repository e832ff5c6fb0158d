"""Datagrams in a byte stream (RFC 4571): frames read out of it, and two bounded rings of frames that wait to be written.

Owns the framing and the order of writing: audio, RTCP, STUN and DTLS go before video, so that a slow receiver's sound is never
behind its picture; a frame that has begun is finished first. It opens no socket and drops nothing by itself.
"""

from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from sfu.dataplane.exact cimport Exact, exact_copy
from sfu.dataplane.wire cimport get16, put16


# -- reading --------------------------------------------------------------------------------------------------------------------

# Up to `wanted` bytes of the frame. 1 if it has as many.
cdef inline int fill(StreamReader *reader, const uint8_t **data, size_t *left, uint32_t wanted) noexcept nogil:
    cdef size_t count = min(<size_t>(wanted - reader.have), left[0])
    memcpy(reader.frame + reader.have, data[0], count)
    reader.have += <uint32_t>count
    data[0] += count
    left[0] -= count
    return reader.have == wanted


cdef int stream_next(StreamReader *reader, const uint8_t **data, size_t *left, uint8_t *out, int64_t now_us) noexcept nogil:
    cdef uint16_t length
    if left[0] and reader.have == 0:
        reader.since_us = now_us
    if reader.have < FRAME_HEADER and not fill(reader, data, left, FRAME_HEADER):
        return FRAME_PARTIAL
    length = get16(reader.frame)
    if length > MAX_DATAGRAM:
        return FRAME_TOO_LONG
    if not fill(reader, data, left, FRAME_HEADER + length):
        return FRAME_PARTIAL
    memcpy(out, reader.frame + FRAME_HEADER, length)
    reader.have = 0
    return length


# -- writing --------------------------------------------------------------------------------------------------------------------

cdef void stream_writer_init(StreamWriter *writer, uint8_t *bytes) noexcept nogil:
    memset(writer, 0, sizeof(StreamWriter))
    writer.rings[<int>URGENT_RING].bytes = bytes
    writer.rings[<int>URGENT_RING].size = URGENT_BYTES
    writer.rings[<int>VIDEO_RING].bytes = bytes + <int>URGENT_BYTES
    writer.rings[<int>VIDEO_RING].size = VIDEO_BYTES


cdef inline void append(FrameRing *ring, const uint8_t *data, size_t length) noexcept nogil:
    cdef size_t place = ring.tail & (ring.size - 1)
    cdef size_t first = min(length, ring.size - place)
    memcpy(ring.bytes + place, data, first)
    memcpy(ring.bytes, data + first, length - first)
    ring.tail += length


cdef int stream_put(StreamWriter *writer, int ring, const uint8_t *data, size_t length) noexcept nogil:
    cdef FrameRing *chosen = &writer.rings[ring]
    cdef uint8_t header[FRAME_HEADER]
    if length > 0xFFFF or ring_bytes(chosen) + FRAME_HEADER + length > chosen.size:
        return -1
    put16(header, <uint16_t>length)
    append(chosen, header, FRAME_HEADER)
    append(chosen, data, length)
    return 0


# At most two spans of `length` bytes from `start` on.
cdef inline int spans_of(const FrameRing *ring, uint64_t start, uint64_t length, Span *out) noexcept nogil:
    cdef size_t place = start & (ring.size - 1)
    cdef size_t first = min(length, <uint64_t>ring.size - place)
    if length == 0:
        return 0
    out[0].data = ring.bytes + place
    out[0].length = first
    if first == length:
        return 1
    out[1].data = ring.bytes
    out[1].length = length - first
    return 2


cdef int stream_spans(const StreamWriter *writer, Span *out) noexcept nogil:
    cdef const FrameRing *ring
    cdef uint32_t begun
    cdef int count = 0, index
    if writer.cut:
        ring = &writer.rings[writer.cut_ring]
        count = spans_of(ring, ring.head, writer.cut, out)
    for index in range(2):
        ring = &writer.rings[index]
        begun = writer.cut if index == writer.cut_ring else 0
        count += spans_of(ring, ring.head + begun, ring_bytes(ring) - begun, out + count)
    return count


cdef inline uint32_t frame_at(const FrameRing *ring, uint64_t place) noexcept nogil:
    cdef uint8_t header[FRAME_HEADER]
    header[0] = ring.bytes[place & (ring.size - 1)]
    header[1] = ring.bytes[(place + 1) & (ring.size - 1)]
    return FRAME_HEADER + get16(header)


cdef inline void take(FrameRing *ring, uint64_t count) noexcept nogil:
    ring.head += count
    if ring.head == ring.tail:
        # An empty ring begins anew: the pages behind are never touched while the receiver keeps up.
        ring.head = 0
        ring.tail = 0


# `count` bytes of whole frames and of the beginning of one more.
cdef uint64_t take_frames(StreamWriter *writer, int index, uint64_t count) noexcept nogil:
    cdef FrameRing *ring = &writer.rings[index]
    cdef uint64_t taken = min(count, ring_bytes(ring))
    cdef uint64_t end = ring.head + taken
    cdef uint64_t place = ring.head
    if taken < ring_bytes(ring):
        while place < end:
            place += frame_at(ring, place)
        writer.cut = <uint32_t>(place - end)
        writer.cut_ring = <uint8_t>index
    take(ring, taken)
    return count - taken


cdef void stream_written(StreamWriter *writer, size_t count) noexcept nogil:
    cdef uint64_t left = count
    cdef uint32_t begun = <uint32_t>min(left, <uint64_t>writer.cut)
    take(&writer.rings[writer.cut_ring], begun)
    writer.cut -= begun
    left -= begun
    if writer.cut == 0 and left:
        left = take_frames(writer, URGENT_RING, left)
        if left:
            take_frames(writer, VIDEO_RING, left)


cdef uint64_t stream_drop_video(StreamWriter *writer) noexcept nogil:
    cdef FrameRing *ring = &writer.rings[<int>VIDEO_RING]
    cdef uint64_t begun = writer.cut if writer.cut_ring == VIDEO_RING else 0
    cdef uint64_t place = ring.head + begun
    cdef uint64_t frames = 0
    while place < ring.tail:
        place += frame_at(ring, place)
        frames += 1
    ring.tail = ring.head + begun
    take(ring, 0)
    return frames


# -- for tests ------------------------------------------------------------------------------------------------------------------

cdef class Reader:
    """What comes out of a stream's bytes."""

    cdef StreamReader reader

    def read(self, data: bytes, now_us: int = 0) -> list[bytes] | None:
        """The frames that are whole now; `None`: one is too long."""
        cdef Exact block = exact_copy(data)
        cdef Exact out = Exact(MAX_DATAGRAM)
        cdef const uint8_t *place = block.data
        cdef size_t left = block.length
        cdef int length
        cdef list found = []
        while True:
            length = stream_next(&self.reader, &place, &left, out.data, now_us)
            if length == FRAME_TOO_LONG:
                return None
            if length == FRAME_PARTIAL:
                return found
            found.append(out.first(length))

    @property
    def partial(self) -> tuple[int, int]:
        """Bytes of a frame that is not whole, and when the first of them came."""
        return self.reader.have, self.reader.since_us


cdef class Writer:
    """What waits to be written."""

    cdef StreamWriter writer
    cdef uint8_t *_bytes

    def __cinit__(self) -> None:
        self._bytes = <uint8_t *> malloc(URGENT_BYTES + VIDEO_BYTES)
        if self._bytes == NULL:
            raise MemoryError
        stream_writer_init(&self.writer, self._bytes)

    def __dealloc__(self) -> None:
        free(self._bytes)

    def put(self, data: bytes, video: bool = False) -> bool:
        """Whether there was room."""
        cdef Exact block = exact_copy(data)
        return stream_put(&self.writer, VIDEO_RING if video else URGENT_RING, block.data, block.length) == 0

    def write(self, limit: int) -> bytes:
        """What the next `limit` bytes on the wire are."""
        cdef Span[MAX_SPANS] spans
        cdef int index, count = stream_spans(&self.writer, spans)
        cdef bytes out = b"".join([(<const char *> spans[index].data)[:spans[index].length] for index in range(count)])
        out = out[:limit]
        stream_written(&self.writer, len(out))
        return out

    def drop_video(self) -> int:
        return stream_drop_video(&self.writer)

    @property
    def waiting(self) -> tuple[int, int]:
        """Bytes: urgent, video."""
        return ring_bytes(&self.writer.rings[0]), ring_bytes(&self.writer.rings[1])
