"""Sequence numbers and timestamps of one slot, continuous over whatever fills it.

Owns the two maps from a source's numbers to a slot's. A sequence number goes out as in + delta, where each packet left
out makes the delta one smaller from there on; the deltas are kept as intervals, so a late packet gets the number it
would have had. All counting is in 64 bits, so that no comparison has to think of a wrap.

Never knows why a packet is dropped or a source changes, and reads no clock: the time is an argument.
"""

from libc.stdint cimport int16_t, int32_t
from libc.string cimport memmove

cdef enum:
    EXTENDED_BASE = 65536               # room below the first number, so that a reordered one never falls under zero
    FRAME_MS = 33                       # how far past the last timestamp a source starts that would start before it
    MAX_SHIFT_MS = 75                   # a start that has to be moved more than this is refused (mediasoup's figure)
    MAX_DISAGREEMENT_MS = 3000          # an alignment this far from elapsed time is a wrong clock, not a late frame


# -- sequence numbers --------------------------------------------------------------------------------------------------

cdef void seqmap_init(SequenceMap *map, uint16_t first_out) noexcept nogil:
    map.started = 0
    map.interval_count = 0
    map.highest_in = 0
    map.oldest_in = 0
    map.highest_out = EXTENDED_BASE + <uint64_t>first_out - 1


cdef void seqmap_switch(SequenceMap *map, uint16_t next_in, uint16_t gap) noexcept nogil:
    # A source from which nothing was sent has left its hole already.
    if map.started and map.highest_in >= map.oldest_in:
        map.highest_out += gap
    map.started = 1
    map.oldest_in = EXTENDED_BASE + <uint64_t>next_in
    map.highest_in = map.oldest_in - 1
    map.interval_count = 1
    map.intervals[0].first = map.oldest_in
    # Deltas wrap: the arithmetic is modulo 2**64, as an outgoing number may be the smaller one.
    map.intervals[0].delta = map.highest_out + 1 - map.oldest_in


cdef inline uint64_t extend(uint64_t highest, uint16_t number) noexcept nogil:
    return highest + <uint64_t><int64_t><int16_t>(number - <uint16_t>highest)


cdef int seqmap_jumps(const SequenceMap *map, uint16_t seq_in) noexcept nogil:
    return map.started and extend(map.highest_in, seq_in) > map.highest_in + SEQMAP_JUMP


cdef int seqmap_map(SequenceMap *map, uint16_t seq_in, uint16_t *seq_out) noexcept nogil:
    cdef uint64_t number, out
    cdef int i
    if not map.started:
        seqmap_switch(map, seq_in, 0)
    number = extend(map.highest_in, seq_in)
    if number < map.oldest_in:
        return SEQMAP_OLD
    i = map.interval_count - 1
    if number > map.highest_in:
        out = number + map.intervals[i].delta
        map.highest_in = number
        map.highest_out = out
        seq_out[0] = <uint16_t>out
        return SEQMAP_FORWARD
    while i >= 0 and number < map.intervals[i].first:
        i -= 1
    if i < 0:
        return SEQMAP_OLD
    out = number + map.intervals[i].delta
    # A number left out has none of its own: it would get that of the next one.
    if i + 1 < map.interval_count and out >= map.intervals[i + 1].first + map.intervals[i + 1].delta:
        return SEQMAP_OLD
    seq_out[0] = <uint16_t>out
    return SEQMAP_FORWARD


cdef int seqmap_drop(SequenceMap *map, uint16_t seq_in) noexcept nogil:
    cdef SequenceInterval *last
    cdef uint64_t number
    if not map.started:
        return 1
    number = extend(map.highest_in, seq_in)
    if number != map.highest_in + 1:
        return 0
    map.highest_in = number
    last = &map.intervals[map.interval_count - 1]
    if last.first < number:
        if map.interval_count == SEQMAP_INTERVALS:
            memmove(&map.intervals[0], &map.intervals[1], (SEQMAP_INTERVALS - 1) * sizeof(SequenceInterval))
            map.interval_count -= 1
        map.intervals[map.interval_count].delta = map.intervals[map.interval_count - 1].delta
        last = &map.intervals[map.interval_count]
        map.interval_count += 1
    last.first = number + 1
    last.delta -= 1
    return 1


# -- timestamps --------------------------------------------------------------------------------------------------------

cdef void timestamp_init(TimestampMap *map, uint32_t clock_rate, uint32_t first_out) noexcept nogil:
    map.started = 0
    map.offset = 0
    map.last_out = first_out
    map.last_out_us = 0
    map.clock_rate = clock_rate


cdef inline int64_t ticks_of_ms(const TimestampMap *map, int64_t ms) noexcept nogil:
    return ms * map.clock_rate // 1000


cdef int timestamp_switch(TimestampMap *map, uint32_t ts_in, int64_t now_us, int known,
                          uint32_t aligned_out) noexcept nogil:
    cdef int64_t elapsed, frame, ahead, disagreement
    cdef uint32_t out
    if not map.started:
        map.started = 1
        map.last_out_us = now_us
        map.offset = map.last_out - ts_in
        return TIMESTAMP_OK
    frame = ticks_of_ms(map, FRAME_MS)
    elapsed = max(now_us - map.last_out_us, 0) * map.clock_rate // 1000000
    if known:
        # A publisher writes its sender reports, and its timestamps, as it likes: neither may push a slot's time line to
        # where every later source would be refused.
        disagreement = <int32_t>(aligned_out - <uint32_t>(map.last_out + elapsed))
        known = abs64(disagreement) <= ticks_of_ms(map, MAX_DISAGREEMENT_MS)
    out = map.last_out + <uint32_t>max(elapsed, frame)
    if known:
        ahead = <int32_t>(aligned_out - map.last_out)
        # After half the range of silence (6.6 hours of video) the sign says nothing; then elapsed time has agreed
        # above.
        if ahead > 0 or elapsed > 0x7FFFFFFF:
            out = aligned_out
        elif frame - ahead <= ticks_of_ms(map, MAX_SHIFT_MS):
            out = map.last_out + <uint32_t>frame
        else:
            return TIMESTAMP_REFUSED
    map.offset = out - ts_in
    return TIMESTAMP_OK


cdef inline int64_t abs64(int64_t value) noexcept nogil:
    return -value if value < 0 else value


cdef uint32_t timestamp_map(TimestampMap *map, uint32_t ts_in, int64_t now_us) noexcept nogil:
    cdef uint32_t out
    if not map.started:
        timestamp_switch(map, ts_in, now_us, 0, 0)
    out = ts_in + map.offset
    if <int32_t>(out - map.last_out) > 0:
        map.last_out = out
        map.last_out_us = now_us
    return out


# -- the module's Python view, for tests and tools: nothing on the packet path comes below -----------------------------

cdef class Sequences:
    """A `SequenceMap`. `map` gives None where the map says `SEQMAP_OLD`."""

    cdef SequenceMap inner

    def __init__(self, uint16_t first_out):
        seqmap_init(&self.inner, first_out)

    def switch(self, uint16_t next_in, uint16_t gap):
        seqmap_switch(&self.inner, next_in, gap)

    def jumps(self, uint16_t seq_in):
        return bool(seqmap_jumps(&self.inner, seq_in))

    def map(self, uint16_t seq_in):
        cdef uint16_t out = 0
        return out if seqmap_map(&self.inner, seq_in, &out) == SEQMAP_FORWARD else None

    def drop(self, uint16_t seq_in):
        return bool(seqmap_drop(&self.inner, seq_in))


cdef class Timestamps:
    """A `TimestampMap`. `switch` gives False for `TIMESTAMP_REFUSED`; `aligned_out` None means not known."""

    cdef TimestampMap inner

    def __init__(self, uint32_t clock_rate, uint32_t first_out):
        timestamp_init(&self.inner, clock_rate, first_out)

    def switch(self, uint32_t ts_in, int64_t now_us, aligned_out=None):
        cdef int known = aligned_out is not None
        return timestamp_switch(&self.inner, ts_in, now_us, known, aligned_out if known else 0) == TIMESTAMP_OK

    def map(self, uint32_t ts_in, int64_t now_us):
        return timestamp_map(&self.inner, ts_in, now_us)
