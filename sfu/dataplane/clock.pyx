"""A publisher's clock against ours, learnt from its sender reports (RFC 3550, 6.4.1).

Owns: NTP time, and the map between a publisher's RTP timestamps and our time. One offset between the clocks serves all
streams of a transport: audio and video that were captured together get the same time, so lip sync survives. Never reads
a clock.
"""

from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memset

cdef enum:
    NTP_UNIX_OFFSET = 2208988800    # seconds from 1900 to 1970
    DRIFT_PPM = 200                 # above every quartz
    STEP_US = 5000000               # a larger leap of the offset is a clock that was set, not queueing


cdef uint64_t ntp_from_us(int64_t unix_us) noexcept nogil:
    cdef uint64_t seconds = <uint64_t> unix_us // 1000000, rest = <uint64_t> unix_us % 1000000
    return ((seconds + <uint64_t> NTP_UNIX_OFFSET) << 32) | ((rest << 32) // 1000000)


cdef inline int64_t _unix_from_ntp(uint64_t ntp) noexcept nogil:
    cdef int64_t seconds = <int64_t> (ntp >> 32) - <int64_t> NTP_UNIX_OFFSET
    return seconds * 1000000 + <int64_t> ((<uint64_t> <uint32_t> ntp * 1000000) >> 32)


cdef void clock_init(SenderClock *clock, uint32_t clock_rate) noexcept nogil:
    memset(clock, 0, sizeof(SenderClock))
    clock.clock_rate = clock_rate


cdef void clock_report(SenderClock *clock, uint64_t ntp, uint32_t rtp_timestamp, int64_t now_unix_us,
                       int64_t *shared_offset_us, int64_t *shared_set_us) noexcept nogil:
    # The smallest offset had the least queueing. It grows by DRIFT_PPM, so that a publisher whose clock is slower than
    # ours is followed.
    cdef int64_t offset, grown, elapsed = now_unix_us - shared_set_us[0]
    if not ntp:
        return                  # a sender without a wall clock (RFC 3550, 6.4.1)
    clock.known = 1
    clock.ntp = ntp
    clock.rtp_timestamp = rtp_timestamp
    offset = now_unix_us - _unix_from_ntp(ntp)
    grown = shared_offset_us[0]
    if elapsed > 0:
        grown += elapsed // 1000000 * DRIFT_PPM + elapsed % 1000000 * DRIFT_PPM // 1000000
    if not shared_set_us[0] or offset < grown or offset - grown > STEP_US:
        grown = offset
    shared_offset_us[0] = grown
    shared_set_us[0] = now_unix_us


cdef uint32_t clock_timestamp(const SenderClock *clock, int64_t unix_us, int64_t shared_offset_us) noexcept nogil:
    # Whole seconds apart from the rest: a hostile NTP time must not overflow the product.
    cdef int64_t elapsed = unix_us - shared_offset_us - _unix_from_ntp(clock.ntp)
    cdef int64_t seconds = elapsed // 1000000, rest = elapsed % 1000000
    cdef uint64_t rate = clock.clock_rate
    if rest < 0:
        rest += 1000000
        seconds -= 1
    return clock.rtp_timestamp + <uint32_t> (<uint64_t> seconds * rate + <uint64_t> rest * rate // 1000000)


# -- Python view, for tests and tools ------------------------------------------------------------------------

cdef class SharedOffset:
    """The offset between a publisher's clock and ours, one a transport."""

    @property
    def us(self) -> int:
        """Our unix time - its unix time, in µs."""
        return self.offset_us


cdef class Clock:
    """The clock of one stream; `clock_rate` in Hz."""

    def __cinit__(self, clock_rate: int) -> None:
        clock_init(&self.clock, clock_rate)

    def report(self, ntp: int, rtp_timestamp: int, now_unix_us: int, shared: SharedOffset) -> None:
        """A sender report came."""
        clock_report(&self.clock, ntp, rtp_timestamp, now_unix_us, &shared.offset_us, &shared.set_us)

    def timestamp(self, unix_us: int, shared: SharedOffset) -> int:
        """What the publisher's media clock shows at our time."""
        return clock_timestamp(&self.clock, unix_us, shared.offset_us)

    @property
    def known(self) -> bool:
        return bool(self.clock.known)


def ntp(unix_us: int) -> int:
    """64-bit NTP time (RFC 5905)."""
    return ntp_from_us(unix_us)
