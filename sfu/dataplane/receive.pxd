# What the receiver of one stream keeps (RFC 3550 A.1, A.3, A.8) and which packets it asks for again (RFC 4585).
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t, int32_t, int64_t

cdef struct ReceiveStats:
    uint8_t started
    uint32_t clock_rate
    uint64_t highest            # extended sequence number (starts at 65536 + first)
    uint64_t base
    uint64_t packets            # authenticated, without duplicates
    uint64_t bytes
    uint64_t recovered          # of `packets`: retransmissions (not in the loss that we report, RFC 4588)
    uint32_t jitter_q4          # RFC 3550 A.8, in clock units × 16
    uint32_t last_transit
    uint64_t expected_prior
    uint64_t received_prior
    uint32_t last_sr_ntp        # middle 32 bits of the last SR
    int64_t last_sr_us
    uint64_t window[64]         # bit map of the newest 4,096 numbers: duplicates

cdef enum:
    RECEIVE_NEW = 0
    RECEIVE_REORDERED = 1
    RECEIVE_DUPLICATE = 2
    RECEIVE_TOO_OLD = 3         # older than the window, or a retransmission ahead of the stream: drop it

cdef void stats_init(ReceiveStats *stats, uint32_t clock_rate) noexcept nogil
# Only after the tag verified. `is_retransmission`: never advances `highest`, no jitter. Gives one of the enum; extended number in *extended.
cdef int stats_packet(ReceiveStats *stats, uint16_t seq, uint32_t timestamp, uint16_t size, int64_t now_us,
                      int is_retransmission, uint64_t *extended) noexcept nogil
cdef int64_t stats_lost(const ReceiveStats *stats) noexcept nogil

cdef enum:
    NACK_LIST_SIZE = 1000

cdef struct NackEntry:
    uint64_t seq                # extended
    int64_t first_us
    int64_t sent_us             # 0: never asked for
    uint8_t tries

cdef struct NackList:
    uint16_t count
    uint8_t overflowed          # the list was cleared: the caller asks for a keyframe and clears this
    uint64_t highest            # extended; 0 before the first packet
    uint64_t last_keyframe      # extended; 0 before the first keyframe
    uint64_t requested          # total packets asked for
    NackEntry entries[1000]     # by sequence number

cdef void nack_init(NackList *nacks) noexcept nogil
cdef void nack_packet(NackList *nacks, uint64_t extended, int64_t now_us, int is_keyframe_start) noexcept nogil
# Sequence numbers to ask for now, ascending, at most `capacity`. First after max(2 packets, 20 ms) of waiting, again after an RTT,
# 10 tries at the most (ALGORITHMS 9).
cdef size_t nack_collect(NackList *nacks, int64_t now_us, int64_t rtt_us, uint16_t *out, size_t capacity) noexcept nogil

# Python view, for tests and tools.
cdef class Receiver:
    cdef ReceiveStats stats

cdef class Nacks:
    cdef NackList nacks
