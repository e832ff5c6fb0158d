"""Transport-wide congestion control (draft-holmer-rmcat-transport-wide-cc-extensions-01).

Owns: the arrival times of what a publisher sent and the feedback about them; the numbers given to what a subscriber is sent and what
its feedback says about them. Never sends, never reads a clock, never estimates bandwidth. Feedback is read in two passes: the first
checks the whole body, the second acts on it, so a malformed one changes nothing.
"""

from libc.stdint cimport int16_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset
from sfu.dataplane.reasons cimport DROP_NONE, DROP_RTCP_MALFORMED
from sfu.dataplane.wire cimport get16, get24, put16, put24, put32

cdef enum:
    SYMBOL_MISSING = 0
    SYMBOL_SMALL = 1            # a delta of one byte, unsigned
    SYMBOL_LARGE = 2            # a delta of two bytes, signed
    SYMBOL_RESERVED = 3

    TICK_US = 250               # unit of a delta
    REFERENCE_TICKS = 256       # unit of the reference time: 64 ms
    LONGEST_RUN = 8191          # 13 bits
    VECTOR_ONE_BIT = 14         # symbols in a status vector chunk, by the size of a symbol
    VECTOR_TWO_BIT = 7
    RTCP_HEADER = 12            # with both SSRCs
    FEEDBACK_HEADER = 8
    PT_TRANSPORT_FEEDBACK = 205
    FMT_TWCC = 15

    RATE_WINDOW_US = 1000000


# -- arrivals and the feedback about them -----------------------------------------------------------------------------------------

cdef void arrivals_init(ArrivalLog *log) noexcept nogil:
    memset(log, 0, sizeof(ArrivalLog))


cdef void _arrivals_advance(ArrivalLog *log, uint16_t number) noexcept nogil:
    # Moves `highest`; forgets what the newly covered numbers reuse, and what falls out of the log unreported.
    cdef uint16_t distance = <uint16_t> (number - log.highest)
    cdef uint16_t index
    if distance >= TWCC_LOG_SIZE:
        memset(log.arrival_us, 0, sizeof(log.arrival_us))
    else:
        for index in range(1, distance + 1):
            log.arrival_us[<uint16_t> (log.highest + index) % TWCC_LOG_SIZE] = 0
    log.highest = number
    if <uint16_t> (number - log.next_report) >= TWCC_LOG_SIZE:
        log.next_report = <uint16_t> (number - TWCC_LOG_SIZE + 1)


cdef void arrivals_packet(ArrivalLog *log, uint16_t number, int64_t now_us) noexcept nogil:
    cdef int16_t distance
    if not log.started:
        log.started = 1
        log.highest = log.next_report = number
    else:
        distance = <int16_t> <uint16_t> (number - log.highest)
        if distance > 0:
            _arrivals_advance(log, number)
        elif -distance >= TWCC_LOG_SIZE or log.arrival_us[number % TWCC_LOG_SIZE]:
            return
        elif <int16_t> <uint16_t> (number - log.next_report) < 0:
            log.next_report = number    # told lost already: told again, from here on, with its arrival
    log.arrival_us[number % TWCC_LOG_SIZE] = now_us if now_us > 0 else 1
    log.pending += 1


cdef inline int64_t _ticks(const ArrivalLog *log, uint16_t number) noexcept nogil:
    # 0: not arrived.
    cdef int64_t arrival_us = log.arrival_us[number % TWCC_LOG_SIZE]
    return arrival_us // TICK_US + 1 if arrival_us else 0


cdef struct Plan:
    uint16_t base
    size_t count                # statuses that can be told with this base: ends where a delta does not fit
    int64_t reference           # in units of 64 ms
    uint8_t symbols[4096]


cdef void _plan(const ArrivalLog *log, Plan *plan) noexcept nogil:
    # One symbol for each number from next_report to highest, or up to the first delta that 16 bits cannot hold.
    cdef size_t index, span = <uint16_t> (log.highest - log.next_report) + 1
    cdef int64_t ticks, delta, last = -1
    plan.base = log.next_report
    plan.reference = 0
    plan.count = span
    for index in range(span):
        ticks = _ticks(log, <uint16_t> (plan.base + index))
        if not ticks:
            plan.symbols[index] = SYMBOL_MISSING
            continue
        ticks -= 1
        if last < 0:
            plan.reference = ticks // REFERENCE_TICKS
            last = plan.reference * REFERENCE_TICKS
        delta = ticks - last
        last = ticks
        if 0 <= delta <= 255:
            plan.symbols[index] = SYMBOL_SMALL
        elif -32768 <= delta <= 32767:
            plan.symbols[index] = SYMBOL_LARGE
        else:
            plan.count = index
            return


cdef size_t _chunk(const Plan *plan, size_t start, size_t end, uint16_t *chunk) noexcept nogil:
    # The chunk that covers most of [start, end); gives how many symbols it covers.
    cdef size_t index = start, covered
    cdef uint8_t first = plan.symbols[start]
    while index < end and plan.symbols[index] == first and index - start < LONGEST_RUN:
        index += 1
    covered = index - start
    if covered == end - start or covered >= VECTOR_ONE_BIT:
        chunk[0] = <uint16_t> ((first << 13) | covered)
        return covered
    index = start
    while index < end and index - start < VECTOR_ONE_BIT and plan.symbols[index] != SYMBOL_LARGE:
        index += 1
    if index == end or index - start == VECTOR_ONE_BIT:
        chunk[0] = 0x8000
        covered = index - start
        for index in range(covered):
            chunk[0] |= <uint16_t> (plan.symbols[start + index] << (13 - index))
        return covered
    if covered >= VECTOR_TWO_BIT:
        chunk[0] = <uint16_t> ((first << 13) | covered)
        return covered
    covered = end - start if end - start < VECTOR_TWO_BIT else VECTOR_TWO_BIT
    chunk[0] = 0xC000
    for index in range(covered):
        chunk[0] |= <uint16_t> (plan.symbols[start + index] << (12 - 2 * index))
    return covered


cdef size_t _chunks(const Plan *plan, uint8_t *out, size_t room, size_t *deltas) noexcept nogil:
    # Writes chunks for as many statuses as fit into `room` together with their deltas; gives how many, and the bytes of chunks.
    # A delta symbol's value is its size in bytes.
    cdef size_t told = 0, used = 0, covered, index, end, size
    cdef uint16_t chunk = 0
    while told < plan.count and used + 2 <= room:
        end = plan.count
        while True:
            covered = _chunk(plan, told, end, &chunk)
            size = 2
            index = 0
            while index < covered and used + size + plan.symbols[told + index] <= room:
                size += plan.symbols[told + index]
                index += 1
            if index == covered:
                break
            if index == 0:
                return told
            end = told + index          # the packet is full here: a last, shorter chunk
        put16(out, chunk)
        out += 2
        used += size
        deltas[0] += 2
        told += covered
        if end < plan.count:
            break
    return told


cdef size_t arrivals_feedback(ArrivalLog *log, uint32_t sender_ssrc, uint32_t media_ssrc, uint8_t *out, size_t capacity) noexcept nogil:
    cdef Plan plan
    cdef size_t told, index, offset = RTCP_HEADER + FEEDBACK_HEADER, chunks = 0
    cdef int64_t ticks, last
    capacity &= ~<size_t> 3
    if not log.pending or capacity < offset + 4:
        return 0
    _plan(log, &plan)
    told = _chunks(&plan, out + offset, capacity - offset, &chunks)
    offset += chunks
    last = plan.reference * REFERENCE_TICKS
    for index in range(told):
        if plan.symbols[index] == SYMBOL_MISSING:
            continue
        ticks = _ticks(log, <uint16_t> (plan.base + index)) - 1
        if plan.symbols[index] == SYMBOL_SMALL:
            out[offset] = <uint8_t> (ticks - last)
            offset += 1
        else:
            put16(out + offset, <uint16_t> (ticks - last))
            offset += 2
        last = ticks
    while offset & 3:
        out[offset] = 0
        offset += 1
    out[0] = 0x80 | FMT_TWCC
    out[1] = PT_TRANSPORT_FEEDBACK
    put16(out + 2, <uint16_t> (offset // 4 - 1))
    put32(out + 4, sender_ssrc)
    put32(out + 8, media_ssrc)
    put16(out + 12, plan.base)
    put16(out + 14, <uint16_t> told)
    put24(out + 16, <uint32_t> plan.reference)
    out[19] = log.feedback_count
    log.feedback_count = <uint8_t> (log.feedback_count + 1)
    log.next_report = <uint16_t> (plan.base + told)
    if log.next_report == <uint16_t> (log.highest + 1):
        log.pending = 0
    return offset


# -- feedback read ----------------------------------------------------------------------------------------------------------------

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


# -- what was sent ----------------------------------------------------------------------------------------------------------------

cdef void sent_init(SentLog *log) noexcept nogil:
    memset(log, 0, sizeof(SentLog))


cdef uint16_t sent_packet(SentLog *log, uint16_t size, int64_t now_us) noexcept nogil:
    cdef uint16_t number = log.next_number
    cdef SentPacket *packet = &log.sent[number % TWCC_SENT_SIZE]
    packet.sent_us = now_us if now_us > 0 else 1
    packet.size = size
    log.next_number = <uint16_t> (number + 1)
    if not log.window_start_us:
        log.window_start_us = packet.sent_us
    return number


cdef void _sent_status(SentLog *log, uint16_t number, int arrived) noexcept nogil:
    # A packet told lost is remembered by a negative time, so that feedback that finds it after all takes the loss back.
    cdef SentPacket *packet = &log.sent[number % TWCC_SENT_SIZE]
    if <uint16_t> (log.next_number - 1 - number) >= TWCC_SENT_SIZE or not packet.sent_us:
        return
    if not arrived:
        if packet.sent_us > 0:
            packet.sent_us = -packet.sent_us
            log.lost += 1
        return
    if packet.sent_us < 0:
        log.lost -= 1
    packet.sent_us = 0
    log.acknowledged += 1
    log.acknowledged_bytes += packet.size
    log.window_bytes += packet.size


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


# -- Python view, for tests and tools ---------------------------------------------------------------------------------------------

cdef uint8_t *_exact_copy(bytes data) except NULL:
    # A heap block of exactly this length, so that a sanitizer sees a read past its end.
    cdef uint8_t *copy = <uint8_t *> malloc(len(data) or 1)
    if copy == NULL:
        raise MemoryError
    memcpy(copy, <const char *> data, len(data))
    return copy


cdef class Arrivals:
    """What one publisher's transport received."""

    def __cinit__(self) -> None:
        arrivals_init(&self.log)

    def packet(self, number: int, now_us: int) -> None:
        arrivals_packet(&self.log, number, now_us)

    def feedback(self, sender_ssrc: int = 1, media_ssrc: int = 2, capacity: int = 1200) -> bytes:
        """The next RTCP feedback packet; empty when nothing is pending."""
        cdef size_t room = capacity, length
        cdef uint8_t *out = <uint8_t *> malloc(room or 1)
        if out == NULL:
            raise MemoryError
        try:
            length = arrivals_feedback(&self.log, sender_ssrc, media_ssrc, out, room)
            return out[:length]
        finally:
            free(out)

    @property
    def pending(self) -> int:
        return self.log.pending


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
        cdef uint8_t *copy = _exact_copy(body)
        try:
            return sent_feedback(&self.log, copy, len(body), now_us)
        finally:
            free(copy)

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
    cdef uint8_t *copy = _exact_copy(body)
    try:
        if _feedback_check(copy, len(body), &deltas) != DROP_NONE:
            return None
        _reader_init(&reader, copy, len(body))
        reader.delta = deltas
        statuses = []
        while reader.left:
            arrived = _reader_next(&reader, &number)
            statuses.append((number, reader.ticks if arrived else None))
        return statuses
    finally:
        free(copy)
