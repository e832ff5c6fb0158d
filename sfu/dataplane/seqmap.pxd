# Sequence numbers and timestamps of one slot, continuous over whatever fills it.
from libc.stdint cimport uint8_t, uint16_t, uint32_t, int64_t, uint64_t

cdef enum:
    SEQMAP_INTERVALS = 64
    SEQMAP_JUMP = 1000          # numbers ahead: more are no loss but a source that counts anew

cdef struct SequenceInterval:
    uint64_t first              # extended source sequence number from which `delta` holds
    uint64_t delta

cdef struct SequenceMap:
    uint8_t started
    uint64_t highest_in         # extended
    uint64_t highest_out        # extended
    uint64_t oldest_in          # packets before it (the switch point) are not forwarded
    uint16_t interval_count
    SequenceInterval intervals[64]

cdef enum:
    SEQMAP_FORWARD = 0
    SEQMAP_OLD = 1              # from before the switch, or older than the map remembers

cdef void seqmap_init(SequenceMap *map, uint16_t first_out) noexcept nogil
# The source changes; `next_in` will be its first packet; leaves a hole of `gap` numbers (1 after a marker bit, 2
# otherwise; 0: none).
cdef void seqmap_switch(SequenceMap *map, uint16_t next_in, uint16_t gap) noexcept nogil
# So far ahead that the slot should switch: numbers passed on as they jump would lose a receiver its SRTP rollover counter.
cdef int seqmap_jumps(const SequenceMap *map, uint16_t seq_in) noexcept nogil
cdef int seqmap_map(SequenceMap *map, uint16_t seq_in, uint16_t *seq_out) noexcept nogil
# The packet is not forwarded and must leave no hole. 1 if that could be done (it was the next expected one), 0: forward
# it instead.
cdef int seqmap_drop(SequenceMap *map, uint16_t seq_in) noexcept nogil

# Timestamps (32 bits, media clock). out = in + offset.
cdef struct TimestampMap:
    uint8_t started
    uint32_t offset
    uint32_t last_out
    int64_t last_out_us         # when last_out was sent
    uint32_t clock_rate

cdef enum:
    TIMESTAMP_OK = 0
    TIMESTAMP_REFUSED = 1       # too far off: do not switch on this keyframe

cdef void timestamp_init(TimestampMap *map, uint32_t clock_rate, uint32_t first_out) noexcept nogil
# Align a new source whose packet `ts_in` is sent at now_us. `known` says whether the sources share a clock by sender
# reports; then `aligned_out` is where ts_in falls on the outgoing timeline. Without, and when aligned_out is more than
# 3 s from what elapsed time says, elapsed wall time decides. The first source of all starts at first_out. Refused is
# only ever a known alignment.
cdef int timestamp_switch(TimestampMap *map, uint32_t ts_in, int64_t now_us, int known,
                          uint32_t aligned_out) noexcept nogil
cdef uint32_t timestamp_map(TimestampMap *map, uint32_t ts_in, int64_t now_us) noexcept nogil
