"""What the receiver of one RTP stream keeps, and which packets it asks for again.

Owns: the extended sequence number, the bit map that finds duplicates, the counters of RFC 3550 (appendix A.1, A.3, A.8), and the list
of missing packets to ask for (RFC 4585). Never sends, never reads a clock, never sees a packet whose SRTP tag has not verified.

Sequence numbers are extended to 64 bits by the nearer direction, as SRTP's own packet index is (RFC 3711, section 3.3.1): a stream that
leaps by half the space does not get past SRTP either, so RFC 3550's probation and restart (A.1) are not needed here.
"""

from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memmove, memset

cdef enum:
    WINDOW_SIZE = 4096          # sequence numbers in the bit map; above every reordering that SRTP's replay window lets through
    FIRST_CYCLE = 65536         # extended numbers start here, so that one before the first packet is still positive
    MAX_TRANSIT_SECONDS = 5     # a larger leap of the transit time is a new timestamp base, not jitter

    NACK_MAX_AGE = 10000        # sequence numbers
    NACK_MAX_TRIES = 10
    NACK_FIRST_PACKETS = 2      # reordering by that much is not loss yet
    NACK_FIRST_US = 20000       # … nor is anything this young
    NACK_FIRST_LONGEST_US = 100000  # but a stream that pauses after a hole does not keep it for ever
    NACK_RETRY_SHORTEST_US = 20000
    NACK_UNKNOWN_RTT_US = 100000    # spacing of repeats before the first round trip was measured


# -- statistics -------------------------------------------------------------------------------------------------------------------

cdef void stats_init(ReceiveStats *stats, uint32_t clock_rate) noexcept nogil:
    memset(stats, 0, sizeof(ReceiveStats))
    stats.clock_rate = clock_rate


cdef inline int _seen(const ReceiveStats *stats, uint64_t extended) noexcept nogil:
    return <int> ((stats.window[(extended % WINDOW_SIZE) >> 6] >> (extended & 63)) & 1)


cdef inline void _mark(ReceiveStats *stats, uint64_t extended) noexcept nogil:
    stats.window[(extended % WINDOW_SIZE) >> 6] |= (<uint64_t> 1) << (extended & 63)


cdef void _advance(ReceiveStats *stats, uint64_t extended) noexcept nogil:
    # Moves `highest` and forgets the bits that the newly covered numbers reuse.
    cdef uint64_t number
    if extended - stats.highest >= WINDOW_SIZE:
        memset(stats.window, 0, sizeof(stats.window))
    else:
        number = stats.highest + 1
        while number <= extended:
            stats.window[(number % WINDOW_SIZE) >> 6] &= ~((<uint64_t> 1) << (number & 63))
            number += 1
    stats.highest = extended


cdef void _jitter(ReceiveStats *stats, uint32_t timestamp, int64_t now_us, int first) noexcept nogil:
    # RFC 3550, A.8, in the integer form: the estimate is kept times 16.
    cdef uint64_t now = <uint64_t> now_us
    cdef uint32_t arrival = <uint32_t> ((now // 1000000) * stats.clock_rate + (now % 1000000) * stats.clock_rate // 1000000)
    cdef uint32_t transit = arrival - timestamp
    cdef int64_t distance = <int32_t> (transit - stats.last_transit)
    stats.last_transit = transit
    if distance < 0:
        distance = -distance
    if first or distance > <int64_t> MAX_TRANSIT_SECONDS * stats.clock_rate:
        return
    stats.jitter_q4 += <uint32_t> distance - ((stats.jitter_q4 + 8) >> 4)


cdef int stats_packet(ReceiveStats *stats, uint16_t seq, uint32_t timestamp, uint16_t size, int64_t now_us,
                      int is_retransmission, uint64_t *extended) noexcept nogil:
    # A retransmission that is ahead of the stream is refused (RECEIVE_TOO_OLD): had it been taken, the original would pass for new
    # as well, and everything before it for lost. It is asked for again if the stream proves it missing.
    cdef int16_t distance = 0
    cdef int verdict = RECEIVE_NEW
    cdef int first = not stats.started
    if first:
        extended[0] = <uint64_t> FIRST_CYCLE + seq
        if is_retransmission:
            return RECEIVE_TOO_OLD
        stats.started = 1
        stats.base = stats.highest = extended[0]
    else:
        distance = <int16_t> (<uint16_t> (seq - <uint16_t> stats.highest))
        extended[0] = stats.highest + <uint64_t> <int64_t> distance
        if distance > 0:
            if is_retransmission:
                return RECEIVE_TOO_OLD
            _advance(stats, extended[0])
        elif -distance >= WINDOW_SIZE:
            return RECEIVE_TOO_OLD
        elif _seen(stats, extended[0]):
            return RECEIVE_DUPLICATE
        else:
            verdict = RECEIVE_REORDERED
    _mark(stats, extended[0])
    stats.packets += 1
    stats.bytes += size
    if is_retransmission:
        stats.recovered += 1
    else:
        _jitter(stats, timestamp, now_us, first)
    return verdict


cdef int64_t stats_lost(const ReceiveStats *stats) noexcept nogil:
    if not stats.started:
        return 0
    return <int64_t> (stats.highest - stats.base + 1) - <int64_t> stats.packets


# -- packets to ask for -----------------------------------------------------------------------------------------------------------

cdef void nack_init(NackList *nacks) noexcept nogil:
    nacks.count = 0
    nacks.overflowed = 0
    nacks.highest = 0
    nacks.last_keyframe = 0
    nacks.requested = 0


cdef size_t _nack_position(const NackList *nacks, uint64_t extended) noexcept nogil:
    # The first entry that is not before `extended`.
    cdef size_t low = 0, high = nacks.count, middle
    while low < high:
        middle = (low + high) >> 1
        if nacks.entries[middle].seq < extended:
            low = middle + 1
        else:
            high = middle
    return low


cdef void _nack_forget_before(NackList *nacks, uint64_t extended) noexcept nogil:
    cdef size_t position = _nack_position(nacks, extended)
    if position:
        memmove(&nacks.entries[0], &nacks.entries[position], (nacks.count - position) * sizeof(NackEntry))
        nacks.count -= <uint16_t> position


cdef void _nack_found(NackList *nacks, uint64_t extended) noexcept nogil:
    cdef size_t position = _nack_position(nacks, extended)
    if position < nacks.count and nacks.entries[position].seq == extended:
        memmove(&nacks.entries[position], &nacks.entries[position + 1], (nacks.count - position - 1) * sizeof(NackEntry))
        nacks.count -= 1


cdef int _nack_room(NackList *nacks, uint64_t extended, uint64_t missing) noexcept nogil:
    # 1: `missing` more entries fit. Else what is before the last keyframe goes (a decoder can do without); else all of it.
    if nacks.count + missing <= NACK_LIST_SIZE:
        return 1
    if nacks.last_keyframe == extended:
        nacks.count = 0         # the hole is before the keyframe that has just begun: nothing of it is needed
        return 0
    _nack_forget_before(nacks, nacks.last_keyframe)
    if nacks.count + missing <= NACK_LIST_SIZE:
        return 1
    nacks.count = 0
    nacks.overflowed = 1
    return 0


cdef void nack_packet(NackList *nacks, uint64_t extended, int64_t now_us, int is_keyframe_start) noexcept nogil:
    cdef uint64_t number
    cdef NackEntry *entry
    if is_keyframe_start and extended > nacks.last_keyframe:
        nacks.last_keyframe = extended
    if nacks.highest == 0:
        nacks.highest = extended
        return
    if extended <= nacks.highest:
        _nack_found(nacks, extended)
        return
    number = nacks.highest + 1
    nacks.highest = extended
    if extended > NACK_MAX_AGE:
        _nack_forget_before(nacks, extended - NACK_MAX_AGE)
    if number == extended or not _nack_room(nacks, extended, extended - number):
        return
    while number < extended:
        entry = &nacks.entries[nacks.count]
        entry.seq = number
        entry.first_us = now_us
        entry.sent_us = 0
        entry.tries = 0
        nacks.count += 1
        number += 1


cdef inline int _nack_due(const NackList *nacks, const NackEntry *entry, int64_t now_us, int64_t retry_us) noexcept nogil:
    cdef int64_t waited
    if entry.tries:
        return now_us - entry.sent_us >= retry_us
    waited = now_us - entry.first_us
    if waited < NACK_FIRST_US:
        return 0
    return nacks.highest - entry.seq >= NACK_FIRST_PACKETS or waited >= NACK_FIRST_LONGEST_US


cdef size_t nack_collect(NackList *nacks, int64_t now_us, int64_t rtt_us, uint16_t *out, size_t capacity) noexcept nogil:
    cdef int64_t retry_us = rtt_us if rtt_us > 0 else NACK_UNKNOWN_RTT_US
    cdef size_t index, written = 0
    cdef uint16_t kept = 0
    cdef NackEntry *entry
    if retry_us < NACK_RETRY_SHORTEST_US:
        retry_us = NACK_RETRY_SHORTEST_US
    for index in range(nacks.count):
        entry = &nacks.entries[index]
        if _nack_due(nacks, entry, now_us, retry_us):
            if entry.tries >= NACK_MAX_TRIES:
                continue        # given up: the entry is not kept
            if written < capacity:
                out[written] = <uint16_t> entry.seq
                written += 1
                entry.tries += 1
                entry.sent_us = now_us
        if kept != index:
            nacks.entries[kept] = entry[0]
        kept += 1
    nacks.count = kept
    nacks.requested += written
    return written


# -- Python view, for tests and tools ---------------------------------------------------------------------------------------------

cdef class Receiver:
    """The statistics of one stream; `clock_rate` in Hz."""

    def __cinit__(self, clock_rate: int) -> None:
        stats_init(&self.stats, clock_rate)

    def packet(self, seq: int, timestamp: int = 0, size: int = 0, now_us: int = 0, retransmission: bool = False) -> tuple[str, int]:
        """Takes one packet; gives the verdict (`new`, `reordered`, `duplicate`, `too_old`) and the extended number."""
        cdef uint64_t extended = 0
        cdef int verdict = stats_packet(&self.stats, seq, timestamp, size, now_us, retransmission, &extended)
        return ("new", "reordered", "duplicate", "too_old")[verdict], extended

    def sender_report(self, ntp: int, now_us: int) -> None:
        """A sender report with this 64-bit NTP time came."""
        self.stats.last_sr_ntp = <uint32_t> ((<uint64_t> ntp) >> 16)
        self.stats.last_sr_us = now_us

    @property
    def highest(self) -> int:
        """Extended."""
        return self.stats.highest

    @property
    def packets(self) -> int:
        return self.stats.packets

    @property
    def bytes(self) -> int:
        return self.stats.bytes

    @property
    def lost(self) -> int:
        """Cumulative; recovered packets are not lost."""
        return stats_lost(&self.stats)

    @property
    def jitter(self) -> int:
        """In units of the media clock (RFC 3550, A.8)."""
        return self.stats.jitter_q4 >> 4


cdef class Nacks:
    """The list of missing packets of one stream."""

    def __cinit__(self) -> None:
        nack_init(&self.nacks)

    def packet(self, extended: int, now_us: int = 0, keyframe: bool = False) -> None:
        nack_packet(&self.nacks, extended, now_us, keyframe)

    def collect(self, now_us: int, rtt_us: int = 0, capacity: int = 1000) -> list[int]:
        """The sequence numbers to ask for now, at most `capacity`."""
        cdef size_t room = capacity, count, index
        # Exactly as large as promised, so that a sanitizer sees a write past its end.
        cdef uint16_t *out = <uint16_t *> malloc(room * sizeof(uint16_t))
        if out == NULL:
            raise MemoryError
        try:
            count = nack_collect(&self.nacks, now_us, rtt_us, out, room)
            return [out[index] for index in range(count)]
        finally:
            free(out)

    @property
    def missing(self) -> list[int]:
        """Extended numbers on the list."""
        cdef size_t index
        return [self.nacks.entries[index].seq for index in range(self.nacks.count)]

    @property
    def requested(self) -> int:
        return self.nacks.requested

    def take_overflow(self) -> bool:
        """Whether the list was cleared for lack of room since the last call."""
        cdef bint overflowed = self.nacks.overflowed
        self.nacks.overflowed = 0
        return overflowed
