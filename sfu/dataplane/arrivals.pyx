"""When a publisher's packets arrived, and the feedback about them (draft-holmer-rmcat-transport-wide-cc-extensions-01).

Owns: a log of arrival times by transport-wide number, and the RTCP packets that report it. A packet that comes after it
was reported missing is reported again. Never sends, never reads a clock.
"""

from libc.stdint cimport int16_t, int64_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memset
from sfu.dataplane.exact cimport Exact
from sfu.dataplane.twcc cimport (
    FEEDBACK_HEADER, LONGEST_RUN, REFERENCE_TICKS, SYMBOL_LARGE, SYMBOL_MISSING, SYMBOL_SMALL, VECTOR_ONE_BIT,
    VECTOR_TWO_BIT,
)
from sfu.dataplane.wire cimport put16, put24, put32

cdef enum:
    TICK_US = 250               # unit of a delta
    RTCP_HEADER = 12            # with both SSRCs
    PT_TRANSPORT_FEEDBACK = 205
    FMT_TWCC = 15


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


cdef size_t _chunks(const Plan *plan, uint8_t *out, size_t room, size_t *chunk_bytes) noexcept nogil:
    # Writes chunks for as many statuses as fit into `room` together with their deltas; gives how many, and the bytes of
    # chunks. A delta symbol's value is its size in bytes.
    cdef size_t told = 0, used = 0, covered, index, end, size
    cdef uint16_t chunk = 0
    while told < plan.count:
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
        chunk_bytes[0] += 2
        told += covered
    return told


cdef size_t arrivals_feedback(ArrivalLog *log, uint32_t sender_ssrc, uint32_t media_ssrc, uint8_t *out,
                              size_t capacity) noexcept nogil:
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


# -- Python view, for tests and tools ------------------------------------------------------------------------

cdef class Arrivals:
    """What one publisher's transport received."""

    def __cinit__(self) -> None:
        arrivals_init(&self.log)

    def packet(self, number: int, now_us: int) -> None:
        arrivals_packet(&self.log, number, now_us)

    def feedback(self, sender_ssrc: int = 1, media_ssrc: int = 2, capacity: int = 1200) -> bytes:
        """The next RTCP feedback packet; empty when nothing is pending."""
        cdef Exact block = Exact(capacity)
        return block.first(arrivals_feedback(&self.log, sender_ssrc, media_ssrc, block.data, block.length))

    @property
    def pending(self) -> int:
        return self.log.pending
