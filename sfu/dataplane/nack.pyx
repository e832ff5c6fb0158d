"""Which packets of one stream are missing, and when to ask for them (RFC 4585, generic NACK).

Owns: the list of missing packets and the rhythm of asking: not before reordering is ruled out, again after a round
trip, not for ever. Never sends, never reads a clock. A list that overflows gives up what a keyframe made needless, or
everything. Where it gives up what a decoder cannot do without, by overflow or after the last try, the caller asks for a
keyframe instead: a receiver would wait for seconds before it asked by itself.
"""

from libc.stdint cimport int64_t, uint16_t, uint64_t
from libc.string cimport memmove
from sfu.dataplane.exact cimport Exact

cdef enum:
    MAX_AGE = 10000             # sequence numbers
    MAX_TRIES = 10
    FIRST_PACKETS = 2           # reordering by that much is not loss yet
    FIRST_US = 20000            # nor is anything this young
    FIRST_LONGEST_US = 100000   # but a hole that the stream pauses after is asked for all the same
    RETRY_SHORTEST_US = 20000
    UNKNOWN_RTT_US = 100000     # spacing of repeats before the first round trip was measured


cdef void nack_init(NackList *nacks) noexcept nogil:
    nacks.count = 0
    nacks.overflowed = 0
    nacks.highest = 0
    nacks.last_keyframe = 0
    nacks.requested = 0


cdef void nack_forget(NackList *nacks) noexcept nogil:
    # Nothing is missing, whatever comes next.
    nacks.count = 0
    nacks.overflowed = 0
    nacks.highest = 0


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
        memmove(&nacks.entries[position], &nacks.entries[position + 1],
                (nacks.count - position - 1) * sizeof(NackEntry))
        nacks.count -= 1


cdef int _nack_room(NackList *nacks, uint64_t extended, uint64_t missing) noexcept nogil:
    # 1: `missing` more entries fit. Else what is before the last keyframe goes (a decoder can do without); else all of
    # it.
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
    if extended > MAX_AGE:
        _nack_forget_before(nacks, extended - MAX_AGE)
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


cdef inline int _nack_due(const NackList *nacks, const NackEntry *entry, int64_t now_us,
                          int64_t retry_us) noexcept nogil:
    cdef int64_t waited
    if entry.tries:
        return now_us - entry.sent_us >= retry_us
    waited = now_us - entry.first_us
    if waited < FIRST_US:
        return 0
    return nacks.highest - entry.seq >= FIRST_PACKETS or waited >= FIRST_LONGEST_US


cdef size_t nack_collect(NackList *nacks, int64_t now_us, int64_t rtt_us, uint16_t *out,
                         size_t capacity) noexcept nogil:
    cdef int64_t retry_us = rtt_us if rtt_us > 0 else UNKNOWN_RTT_US
    cdef size_t index, written = 0
    cdef uint16_t kept = 0
    cdef NackEntry *entry
    if retry_us < RETRY_SHORTEST_US:
        retry_us = RETRY_SHORTEST_US
    for index in range(nacks.count):
        entry = &nacks.entries[index]
        if _nack_due(nacks, entry, now_us, retry_us):
            if entry.tries >= MAX_TRIES:
                if entry.seq > nacks.last_keyframe:
                    nacks.overflowed = 1
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


# -- Python view, for tests and tools ------------------------------------------------------------------------

cdef class Nacks:
    """The list of missing packets of one stream."""

    def __cinit__(self) -> None:
        nack_init(&self.nacks)

    def packet(self, extended: int, now_us: int = 0, keyframe: bool = False) -> None:
        nack_packet(&self.nacks, extended, now_us, keyframe)

    def collect(self, now_us: int, rtt_us: int = 0, capacity: int = 1000) -> list[int]:
        """The sequence numbers to ask for now, at most `capacity`."""
        cdef Exact block = Exact(capacity * sizeof(uint16_t))
        cdef uint16_t *out = <uint16_t *> block.data
        cdef size_t index, count = nack_collect(&self.nacks, now_us, rtt_us, out, capacity)
        return [out[index] for index in range(count)]

    @property
    def missing(self) -> list[int]:
        """Extended numbers on the list."""
        cdef size_t index
        return [self.nacks.entries[index].seq for index in range(self.nacks.count)]

    @property
    def requested(self) -> int:
        return self.nacks.requested

    def take_overflow(self) -> bool:
        """Whether something was given up since the last call that only a keyframe makes good."""
        cdef bint overflowed = self.nacks.overflowed
        self.nacks.overflowed = 0
        return overflowed
