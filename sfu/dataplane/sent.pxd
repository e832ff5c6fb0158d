# What a subscriber was sent, and what its transport-wide feedback says about it.
from libc.stdint cimport uint8_t, uint16_t, uint64_t, int64_t

cdef enum:
    TWCC_SENT_SIZE = 2048

cdef struct SentLog:
    uint16_t next_number
    uint64_t acknowledged       # packets
    uint64_t lost
    uint64_t acknowledged_bytes
    int64_t window_start_us
    uint64_t window_bytes
    uint64_t acknowledged_bps   # over the last whole second
    uint16_t sent[2048]         # by number: the packet's size and what is known of it; 0: unknown or acknowledged

cdef void sent_init(SentLog *log) noexcept nogil
cdef uint16_t sent_packet(SentLog *log, uint16_t size, int64_t now_us) noexcept nogil   # gives the number to write
# body: the feedback after its 12 bytes of header and SSRCs. DropReason.
cdef int sent_feedback(SentLog *log, const uint8_t *body, size_t length, int64_t now_us) noexcept nogil

# Python view, for tests and tools.
cdef class Sent:
    cdef SentLog log
