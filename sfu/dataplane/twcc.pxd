# Transport-wide congestion control (draft-holmer-rmcat-transport-wide-cc-extensions-01): arrivals logged and reported to a publisher,
# feedback of a subscriber read.
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t, int64_t

cdef enum:
    TWCC_LOG_SIZE = 4096
    TWCC_SENT_SIZE = 2048

cdef struct ArrivalLog:
    uint8_t started
    uint8_t feedback_count
    uint16_t next_report        # first number of the next feedback
    uint16_t highest
    uint32_t pending            # packets logged since the last feedback
    int64_t arrival_us[4096]    # by number modulo 4096; 0: not arrived

cdef void arrivals_init(ArrivalLog *log) noexcept nogil
cdef void arrivals_packet(ArrivalLog *log, uint16_t number, int64_t now_us) noexcept nogil
# Writes one RTCP feedback packet (plain, whole, padded to 32 bits); 0 when nothing is pending. Call until 0.
cdef size_t arrivals_feedback(ArrivalLog *log, uint32_t sender_ssrc, uint32_t media_ssrc, uint8_t *out, size_t capacity) noexcept nogil

cdef struct SentPacket:
    int64_t sent_us             # 0: unknown or acknowledged; negative: told lost
    uint16_t size

cdef struct SentLog:
    uint16_t next_number
    uint64_t acknowledged       # packets
    uint64_t lost
    uint64_t acknowledged_bytes
    int64_t window_start_us
    uint64_t window_bytes
    uint64_t acknowledged_bps   # over the last whole second
    SentPacket sent[2048]

cdef void sent_init(SentLog *log) noexcept nogil
cdef uint16_t sent_packet(SentLog *log, uint16_t size, int64_t now_us) noexcept nogil   # gives the number to write
# body: the feedback after its 12 bytes of header and SSRCs. DropReason.
cdef int sent_feedback(SentLog *log, const uint8_t *body, size_t length, int64_t now_us) noexcept nogil

# Python view, for tests and tools.
cdef class Arrivals:
    cdef ArrivalLog log

cdef class Sent:
    cdef SentLog log
