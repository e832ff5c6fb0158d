# Which packets of one stream are asked for again (RFC 4585).
from libc.stdint cimport uint8_t, uint16_t, uint64_t, int64_t

cdef enum:
    NACK_LIST_SIZE = 1000

cdef struct NackEntry:
    uint64_t seq                # extended
    int64_t first_us
    int64_t sent_us             # 0: never asked for
    uint8_t tries

cdef struct NackList:
    uint16_t count
    uint8_t overflowed          # something needed was given up: the caller asks for a keyframe and clears this
    uint64_t highest            # extended; 0 before the first packet
    uint64_t last_keyframe      # extended; 0 before the first keyframe
    uint64_t requested          # total packets asked for
    NackEntry entries[1000]     # by sequence number

cdef void nack_init(NackList *nacks) noexcept nogil
cdef void nack_forget(NackList *nacks) noexcept nogil
cdef void nack_packet(NackList *nacks, uint64_t extended, int64_t now_us, int is_keyframe_start) noexcept nogil
# Sequence numbers to ask for now, ascending, at most `capacity`. First after max(2 packets, 20 ms) of waiting, again
# after an RTT, 10 tries at the most (ALGORITHMS 9).
cdef size_t nack_collect(NackList *nacks, int64_t now_us, int64_t rtt_us, uint16_t *out, size_t capacity) noexcept nogil

# Python view, for tests and tools.
cdef class Nacks:
    cdef NackList nacks
