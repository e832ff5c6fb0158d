"""What a subscriber was sent, and what its transport-wide feedback says about it.

The format is draft-holmer-rmcat-transport-wide-cc-extensions-01's. Owns: the transport-wide numbers given out, and
which of them arrived. Feedback is read in two passes: the first checks the whole body, the second acts on it, so a
malformed one changes nothing. Never sends, never reads a clock, never estimates bandwidth.
"""

from libc.stdint cimport int16_t, int64_t, uint8_t, uint16_t, uint64_t
from libc.string cimport memset
from sfu.dataplane.exact cimport Exact, exact_copy
from sfu.dataplane.reasons cimport DROP_NONE, DROP_RTCP_MALFORMED
from sfu.dataplane.twcc cimport (
    FEEDBACK_HEADER, LONGEST_RUN, REFERENCE_TICKS, SYMBOL_LARGE, SYMBOL_MISSING, SYMBOL_RESERVED, SYMBOL_SMALL,
    VECTOR_ONE_BIT, VECTOR_TWO_BIT,
)
from sfu.dataplane.wire cimport get16, get24

cdef enum:
    RATE_WINDOW_US = 1000000
    SENT = 0x8000               # beside a packet's size
    TOLD_LOST = 0x4000
    SIZE_MASK = 0x3FFF


# -- feedback read -------------------------------------------------------------------------------------------

cdef struct Reader:
    const uint8_t *chunk
    const uint8_t *delta
    const uint8_t *end
    size_t left                 # statuses still to give
    uint16_t number             # of the next status
    int64_t ticks               # arrival of the last packet that arrived
    uint16_t bits               # of the current chunk
    size_t chunk_left           # statuses left in it


cdef void _reader_init(Reader *reader, const uint8_t *body, size_t length) noexcept nogil:
    reader.chunk = body + FEEDBACK_HEADER
    reader.delta = NULL
    reader.end = body + length
    reader.number = get16(body)
    reader.left = get16(body + 2)
    reader.ticks = <int64_t> get24(body + 4) * REFERENCE_TICKS
    reader.bits = 0
    reader.chunk_left = 0


cdef int _reader_symbol(Reader *reader) noexcept nogil:
    # The next status symbol, or -1: no more chunks in the body, or a run that is empty or longer than what is left.
    cdef size_t width, index
    if not reader.chunk_left:
        if reader.end - reader.chunk < 2:
            return -1
        reader.bits = get16(reader.chunk)
        reader.chunk += 2
        if not reader.bits & 0x8000:
            reader.chunk_left = reader.bits & LONGEST_RUN
            if reader.chunk_left == 0 or reader.chunk_left > reader.left:
                return -1
        else:
            reader.chunk_left = VECTOR_TWO_BIT if reader.bits & 0x4000 else VECTOR_ONE_BIT
    reader.chunk_left -= 1
    reader.left -= 1
    reader.number += 1
    if not reader.bits & 0x8000:
        return (reader.bits >> 13) & 3
    if reader.bits & 0x4000:
        return (reader.bits >> (2 * reader.chunk_left)) & 3
    return (reader.bits >> reader.chunk_left) & 1


cdef int _feedback_check(const uint8_t *body, size_t length, const uint8_t **deltas) noexcept nogil:
    # Every chunk and every delta is inside of the body; gives where the deltas start.
    cdef Reader reader
    cdef size_t needed = 0
    cdef int symbol
    if length < FEEDBACK_HEADER:
        return DROP_RTCP_MALFORMED
    _reader_init(&reader, body, length)
    if not reader.left:
        return DROP_RTCP_MALFORMED
    while reader.left:
        symbol = _reader_symbol(&reader)
        if symbol < 0 or symbol == SYMBOL_RESERVED:
            return DROP_RTCP_MALFORMED
        needed += <size_t> symbol
    if <size_t> (reader.end - reader.chunk) < needed:
        return DROP_RTCP_MALFORMED
    deltas[0] = reader.chunk
    return DROP_NONE


cdef int _reader_next(Reader *reader, uint16_t *number) noexcept nogil:
    # Of a checked body with statuses left: the next number; 1 and `ticks` moved on if it arrived.
    cdef int symbol
    number[0] = reader.number
    symbol = _reader_symbol(reader)
    if symbol == SYMBOL_SMALL:
        reader.ticks += reader.delta[0]
    elif symbol == SYMBOL_LARGE:
        reader.ticks += <int16_t> get16(reader.delta)
    reader.delta += symbol
    return symbol != SYMBOL_MISSING


# -- what was sent -------------------------------------------------------------------------------------------

cdef void sent_init(SentLog *log) noexcept nogil:
    memset(log, 0, sizeof(SentLog))


cdef uint16_t sent_packet(SentLog *log, uint16_t size, int64_t now_us) noexcept nogil:
    cdef uint16_t number = log.next_number
    log.sent[number % TWCC_SENT_SIZE] = SENT | <uint16_t> (size & SIZE_MASK)
    log.next_number = <uint16_t> (number + 1)
    if not log.window_start_us:
        log.window_start_us = max(now_us, 1)
    return number


cdef void _sent_status(SentLog *log, uint16_t number, int arrived) noexcept nogil:
    # A packet told lost is remembered, so that feedback that finds it after all takes the loss back.
    cdef uint16_t *packet = &log.sent[number % TWCC_SENT_SIZE]
    cdef uint16_t size = packet[0] & SIZE_MASK
    if <uint16_t> (log.next_number - 1 - number) >= TWCC_SENT_SIZE or not packet[0]:
        return
    if not arrived:
        if not packet[0] & TOLD_LOST:
            packet[0] |= TOLD_LOST
            log.lost += 1
        return
    if packet[0] & TOLD_LOST:
        log.lost -= 1
    packet[0] = 0
    log.acknowledged += 1
    log.acknowledged_bytes += size
    log.window_bytes += size


cdef int sent_feedback(SentLog *log, const uint8_t *body, size_t length, int64_t now_us) noexcept nogil:
    cdef Reader reader
    cdef const uint8_t *deltas = NULL
    cdef uint16_t number = 0
    cdef int64_t elapsed
    cdef int arrived
    cdef int verdict = _feedback_check(body, length, &deltas)
    if verdict != DROP_NONE:
        return verdict
    _reader_init(&reader, body, length)
    reader.delta = deltas
    while reader.left:
        arrived = _reader_next(&reader, &number)
        _sent_status(log, number, arrived)
    elapsed = now_us - log.window_start_us
    if elapsed >= RATE_WINDOW_US:
        log.acknowledged_bps = log.window_bytes * 8 * 1000000 // <uint64_t> elapsed
        log.window_bytes = 0
        log.window_start_us = now_us
    return DROP_NONE


# -- Python view, for tests and tools ------------------------------------------------------------------------

cdef class Sent:
    """What one subscriber's transport was sent."""

    def __cinit__(self, first_number: int = 0) -> None:
        sent_init(&self.log)
        self.log.next_number = first_number

    def packet(self, size: int, now_us: int) -> int:
        """Gives the transport-wide number of the packet."""
        return sent_packet(&self.log, size, now_us)

    def feedback(self, body: bytes, now_us: int) -> int:
        """Takes the body of a feedback packet (after both SSRCs); gives a `DropReason`."""
        cdef Exact block = exact_copy(body)
        return sent_feedback(&self.log, block.data, block.length, now_us)

    @property
    def acknowledged(self) -> int:
        """Packets."""
        return self.log.acknowledged

    @property
    def acknowledged_bytes(self) -> int:
        return self.log.acknowledged_bytes

    @property
    def lost(self) -> int:
        """Packets told lost and not found since."""
        return self.log.lost

    @property
    def acknowledged_bps(self) -> int:
        """Bits a second over the last whole second."""
        return self.log.acknowledged_bps


def read_feedback(body: bytes) -> list[tuple[int, int | None]] | None:
    """Each packet's number and arrival time in ticks of 250 µs (None: lost); None for a malformed body."""
    cdef Reader reader
    cdef const uint8_t *deltas = NULL
    cdef uint16_t number = 0
    cdef Exact block = exact_copy(body)
    if _feedback_check(block.data, block.length, &deltas) != DROP_NONE:
        return None
    _reader_init(&reader, block.data, block.length)
    reader.delta = deltas
    statuses = []
    while reader.left:
        arrived = _reader_next(&reader, &number)
        statuses.append((number, reader.ticks if arrived else None))
    return statuses
