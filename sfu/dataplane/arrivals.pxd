# When a publisher's packets arrived, and the transport-wide feedback about them.
from libc.stdint cimport uint8_t, uint16_t, uint32_t, int64_t

cdef enum:
    TWCC_LOG_SIZE = 4096

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
cdef size_t arrivals_feedback(ArrivalLog *log, uint32_t sender_ssrc, uint32_t media_ssrc, uint8_t *out,
                              size_t capacity) noexcept nogil

# Python view, for tests and tools.
cdef class Arrivals:
    cdef ArrivalLog log
