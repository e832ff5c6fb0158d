# What the receiver of one stream keeps (RFC 3550 A.1, A.3, A.8).
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
# Only after the tag verified. `is_retransmission`: never advances `highest`, no jitter. Gives one of the enum; the
# extended number in *extended.
cdef int stats_packet(ReceiveStats *stats, uint16_t seq, uint32_t timestamp, uint16_t size, int64_t now_us,
                      int is_retransmission, uint64_t *extended) noexcept nogil
cdef int64_t stats_lost(const ReceiveStats *stats) noexcept nogil

cdef struct ReportBlock:
    uint32_t ssrc
    uint8_t fraction_lost
    int32_t lost
    uint32_t highest_sequence
    uint32_t jitter
    uint32_t last_sr
    uint32_t delay_since_last_sr

# The report block of a received stream, moving its interval on (RFC 3550 A.3).
cdef void report_of(ReceiveStats *stats, uint32_t ssrc, int64_t now_us, ReportBlock *out) noexcept nogil

# Python view, for tests and tools.
cdef class Receiver:
    cdef ReceiveStats stats

cdef object report_as_tuple(const ReportBlock *block)
cdef ReportBlock report_from_tuple(report)
