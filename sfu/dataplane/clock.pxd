# Our clock, NTP's, and a publisher's.
from libc.stdint cimport uint8_t, uint32_t, uint64_t, int64_t

cdef uint64_t ntp_from_us(int64_t unix_us) noexcept nogil

# A publisher's clock against ours: where its NTP time falls on our time, so that all streams of a slot share one time
# line.
cdef struct SenderClock:
    uint8_t known
    uint64_t ntp                # of the last SR
    uint32_t rtp_timestamp
    uint32_t clock_rate

cdef void clock_init(SenderClock *clock, uint32_t clock_rate) noexcept nogil
# shared_offset: one a transport, so that its audio and its video get the same offset.
cdef void clock_report(SenderClock *clock, uint64_t ntp, uint32_t rtp_timestamp, int64_t now_unix_us,
                       int64_t *shared_offset_us, int64_t *shared_set_us) noexcept nogil
# RTP timestamp that the publisher's clock shows at our time unix_us (valid only when known).
cdef uint32_t clock_timestamp(const SenderClock *clock, int64_t unix_us, int64_t shared_offset_us) noexcept nogil

# Python view, for tests and tools.
cdef class SharedOffset:
    cdef int64_t offset_us, set_us

cdef class Clock:
    cdef SenderClock clock
