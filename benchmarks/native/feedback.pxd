# What a receiver writes back: receiver reports, transport-wide feedback and NACKs, as a browser would.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef enum:
    ARRIVALS = 2048             # newest transport-wide numbers remembered, a power of two
    WINDOW = 4096               # newest sequence numbers remembered, a power of two
    RTCP_CAPACITY = 1400
    MAX_REPORT_BLOCKS = 31      # RFC 3550, section 6.4.2

# Arrival times by transport-wide sequence number, between two feedback packets.
cdef struct Arrivals:
    uint8_t started
    uint8_t feedback_count
    uint64_t base               # extended; first number of the next feedback
    uint64_t highest            # extended
    int64_t ns[2048]            # 0: not arrived

# Which sequence numbers of one stream arrived (RFC 3550, A.3 and A.8).
cdef struct Sequence:
    uint8_t started
    uint64_t base
    uint64_t highest
    uint64_t unique
    uint64_t duplicates
    uint64_t reordered
    uint64_t too_old
    uint64_t expected_prior
    uint64_t received_prior
    double jitter               # clock units
    double last_transit
    uint64_t window[64]

cdef enum:
    SEQUENCE_NEW = 0
    SEQUENCE_REORDERED = 1
    SEQUENCE_DUPLICATE = 2
    SEQUENCE_TOO_OLD = 3

cdef int sequence_add(Sequence *sequence, uint16_t number) noexcept nogil
cdef void sequence_jitter(Sequence *sequence, uint32_t timestamp, int64_t arrival_ns, uint32_t clock_rate) noexcept nogil
cdef uint64_t sequence_lost(const Sequence *sequence) noexcept nogil
# Missing numbers between `highest - back` and `highest - 2`, at most `capacity`, oldest first.
cdef size_t sequence_missing(const Sequence *sequence, uint64_t back, uint16_t *out, size_t capacity) noexcept nogil
cdef void arrivals_add(Arrivals *arrivals, uint16_t number, int64_t arrival_ns) noexcept nogil
# Each writes one packet, or a part of one, and gives its length, 0 for nothing to say.
# A receiver report is head, blocks (31 at most) and the CNAME that RFC 3550 asks of every compound.
cdef size_t write_report_head(uint8_t *out, uint32_t sender, int blocks) noexcept nogil
cdef size_t write_report_block(uint8_t *out, uint32_t media, Sequence *sequence, uint32_t last_sr, int64_t since_sr_ns) noexcept nogil
cdef size_t write_cname(uint8_t *out, uint32_t sender) noexcept nogil
cdef size_t write_transport_feedback(uint8_t *out, uint32_t sender, uint32_t media, Arrivals *arrivals) noexcept nogil
cdef size_t write_nack(uint8_t *out, uint32_t sender, uint32_t media, const uint16_t *numbers, size_t count) noexcept nogil
