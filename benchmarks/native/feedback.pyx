"""A receiver's bookkeeping and the RTCP that it sends back. Values only: knows no socket, no session and no clock."""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from benchmarks.native.udp cimport put16, put32

cdef enum:
    MAX_STATUSES = 400          # numbers in one feedback packet: keeps it under RTCP_CAPACITY


cdef inline uint64_t _extend(uint64_t highest, uint16_t number) noexcept nogil:
    cdef uint64_t near = (highest & ~<uint64_t> 0xFFFF) | number
    if near + 0x8000 < highest:
        return near + 0x10000
    if near > highest + 0x8000 and near >= 0x10000:
        return near - 0x10000
    return near


cdef int sequence_add(Sequence *sequence, uint16_t number) noexcept nogil:
    cdef uint64_t extended, n, bit
    if not sequence.started:
        sequence.started = 1
        sequence.base = 0x10000 + number
        sequence.highest = sequence.base
        sequence.unique = 1
        memset(sequence.window, 0, sizeof(sequence.window))
        sequence.window[(sequence.base & (WINDOW - 1)) >> 6] |= <uint64_t> 1 << (sequence.base & 63)
        return SEQUENCE_NEW
    extended = _extend(sequence.highest, number)
    bit = <uint64_t> 1 << (extended & 63)
    if extended > sequence.highest:
        n = sequence.highest + 1
        if extended - n >= WINDOW:
            memset(sequence.window, 0, sizeof(sequence.window))
        else:
            while n <= extended:
                sequence.window[(n & (WINDOW - 1)) >> 6] &= ~(<uint64_t> 1 << (n & 63))
                n += 1
        sequence.highest = extended
        sequence.window[(extended & (WINDOW - 1)) >> 6] |= bit
        sequence.unique += 1
        return SEQUENCE_NEW
    if extended + WINDOW <= sequence.highest or extended < sequence.base:
        sequence.too_old += 1
        return SEQUENCE_TOO_OLD
    if sequence.window[(extended & (WINDOW - 1)) >> 6] & bit:
        sequence.duplicates += 1
        return SEQUENCE_DUPLICATE
    sequence.window[(extended & (WINDOW - 1)) >> 6] |= bit
    sequence.unique += 1
    sequence.reordered += 1
    return SEQUENCE_REORDERED


cdef void sequence_jitter(Sequence *sequence, uint32_t timestamp, int64_t arrival_ns, uint32_t clock_rate) noexcept nogil:
    cdef double transit = <double> arrival_ns * clock_rate / 1e9 - timestamp
    cdef double d = transit - sequence.last_transit
    sequence.last_transit = transit
    if d < 0:
        d = -d
    if sequence.unique > 1 and d < clock_rate:
        sequence.jitter += (d - sequence.jitter) / 16


cdef uint64_t sequence_lost(const Sequence *sequence) noexcept nogil:
    if not sequence.started:
        return 0
    return sequence.highest - sequence.base + 1 - sequence.unique


cdef size_t sequence_missing(const Sequence *sequence, uint64_t back, uint16_t *out, size_t capacity) noexcept nogil:
    cdef uint64_t n
    cdef size_t count = 0
    if not sequence.started or sequence.highest < sequence.base + 2:
        return 0
    n = sequence.highest - back if sequence.highest - sequence.base > back else sequence.base
    while n + 2 <= sequence.highest and count < capacity:
        if not (sequence.window[(n & (WINDOW - 1)) >> 6] >> (n & 63)) & 1:
            out[count] = <uint16_t> n
            count += 1
        n += 1
    return count


cdef void arrivals_add(Arrivals *arrivals, uint16_t number, int64_t arrival_ns) noexcept nogil:
    cdef uint64_t extended
    if not arrivals.started:
        arrivals.started = 1
        arrivals.base = 0x10000 + number
        arrivals.highest = arrivals.base
        extended = arrivals.base
    else:
        extended = _extend(arrivals.highest, number)
        if extended < arrivals.base:
            return                                  # already reported as lost
        if extended >= arrivals.base + ARRIVALS:
            memset(arrivals.ns, 0, sizeof(arrivals.ns))
            arrivals.base = extended
        if extended > arrivals.highest:
            arrivals.highest = extended
    arrivals.ns[extended & (ARRIVALS - 1)] = arrival_ns


cdef size_t write_report_head(uint8_t *out, uint32_t sender, int blocks) noexcept nogil:
    out[0] = 0x80 | blocks
    out[1] = 201
    put16(out + 2, 1 + 6 * blocks)
    put32(out + 4, sender)
    return 8


cdef size_t write_report_block(uint8_t *out, uint32_t media, Sequence *sequence, uint32_t last_sr, int64_t since_sr_ns) noexcept nogil:
    cdef uint64_t expected = sequence.highest - sequence.base + 1, interval_expected, interval_received
    cdef uint32_t fraction = 0, delay = 0
    interval_expected = expected - sequence.expected_prior
    interval_received = sequence.unique - sequence.received_prior
    if interval_expected > interval_received and interval_expected > 0:
        fraction = <uint32_t> (((interval_expected - interval_received) << 8) // interval_expected)
    sequence.expected_prior = expected
    sequence.received_prior = sequence.unique
    if last_sr != 0:
        delay = <uint32_t> (since_sr_ns * 65_536 // 1_000_000_000)
    put32(out, media)
    put32(out + 4, (min(fraction, <uint32_t> 255) << 24) | <uint32_t> ((expected - sequence.unique) & 0xFFFFFF))
    put32(out + 8, <uint32_t> sequence.highest)
    put32(out + 12, <uint32_t> sequence.jitter)
    put32(out + 16, last_sr)
    put32(out + 20, delay)
    return 24


cdef size_t write_cname(uint8_t *out, uint32_t sender) noexcept nogil:
    out[0] = 0x81
    out[1] = 202
    put16(out + 2, 3)
    put32(out + 4, sender)
    out[8] = 1
    out[9] = 5
    memcpy(out + 10, b"bench", 5)
    out[15] = 0
    return 16


cdef size_t write_transport_feedback(uint8_t *out, uint32_t sender, uint32_t media, Arrivals *arrivals) noexcept nogil:
    cdef uint64_t first = arrivals.base, n
    cdef size_t count, i, at, deltas_at, symbol
    cdef int64_t reference, last, delta, quarter
    cdef uint8_t symbols[400]
    cdef uint8_t deltas[800]
    cdef size_t deltas_length = 0
    if not arrivals.started or arrivals.highest < first:
        return 0
    count = <size_t> (arrivals.highest - first + 1)
    if count > MAX_STATUSES:
        count = MAX_STATUSES
    reference = -1
    last = 0
    for i in range(count):
        n = (first + i) & (ARRIVALS - 1)
        symbols[i] = 0
        if arrivals.ns[n] == 0:
            continue
        quarter = arrivals.ns[n] // 250_000
        if reference < 0:
            reference = quarter // 256
            last = reference * 256
        delta = quarter - last
        last = quarter
        if 0 <= delta <= 255:
            symbols[i] = 1
            deltas[deltas_length] = <uint8_t> delta
            deltas_length += 1
        else:
            delta = max(<int64_t> -32768, min(<int64_t> 32767, delta))
            symbols[i] = 2
            put16(deltas + deltas_length, <uint32_t> (delta & 0xFFFF))
            deltas_length += 2
        arrivals.ns[n] = 0
    arrivals.base = first + count
    if reference < 0:
        return 0
    out[0] = 0x80 | 15
    out[1] = 205
    put32(out + 4, sender)
    put32(out + 8, media)
    put16(out + 12, <uint32_t> (first & 0xFFFF))
    put16(out + 14, <uint32_t> count)
    put32(out + 16, (<uint32_t> (reference & 0xFFFFFF) << 8) | arrivals.feedback_count)
    arrivals.feedback_count += 1
    at = 20
    i = 0
    while i < count:                                # two-bit status vectors, seven numbers each
        symbol = 0xC000
        for n in range(7):
            if i + n < count:
                symbol |= <size_t> symbols[i + n] << (12 - 2 * n)
        put16(out + at, <uint32_t> symbol)
        at += 2
        i += 7
    deltas_at = at
    memcpy(out + deltas_at, deltas, deltas_length)
    at += deltas_length
    while at % 4:
        out[at] = 0
        at += 1
    put16(out + 2, <uint32_t> (at // 4 - 1))
    return at


cdef size_t write_nack(uint8_t *out, uint32_t sender, uint32_t media, const uint16_t *numbers, size_t count) noexcept nogil:
    cdef size_t i = 0, at = 12
    cdef uint16_t pid, blp, ahead
    if count == 0:
        return 0
    while i < count and at + 4 < RTCP_CAPACITY:
        pid = numbers[i]
        blp = 0
        i += 1
        while i < count:
            ahead = <uint16_t> (numbers[i] - pid)
            if ahead > 16:
                break
            blp |= <uint16_t> (1 << (ahead - 1))
            i += 1
        put16(out + at, pid)
        put16(out + at + 2, blp)
        at += 4
    out[0] = 0x81
    out[1] = 205
    put16(out + 2, <uint32_t> (at // 4 - 1))
    put32(out + 4, sender)
    put32(out + 8, media)
    return at
