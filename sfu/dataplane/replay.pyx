"""The replay protection of what arrives under AES-GCM (RFC 3711, section 3.3.2), as strict as libsrtp's.

Owns the windows of indices seen, one a stream for RTP and one for RTCP. It believes nothing: an index is checked before the packet
is decrypted and added only once its tag has verified. Never sees a key.
"""

from libc.stdint cimport uint16_t

from sfu.dataplane.packet_index cimport index_estimate
from sfu.dataplane.srtp cimport SRTP_OK, SRTP_REPLAY_FAIL, SRTP_REPLAY_OLD


cdef inline int check(uint64_t highest, const uint64_t *seen, uint64_t window, uint64_t index) noexcept nogil:
    if index > highest:
        return SRTP_OK
    if highest - index >= window:
        return SRTP_REPLAY_OLD
    return SRTP_REPLAY_FAIL if seen[(index % window) >> 6] >> (index & 63) & 1 else SRTP_OK


cdef inline void add(uint64_t *highest, uint64_t *seen, uint64_t window, uint64_t index) noexcept nogil:
    cdef uint64_t number
    if index > highest[0]:
        # What is between has not arrived so far.
        number = highest[0] + 1 if index - highest[0] < window else index - window + 1
        while number < index:
            seen[(number % window) >> 6] &= ~(<uint64_t>1 << (number & 63))
            number += 1
        highest[0] = index
    seen[(index % window) >> 6] |= <uint64_t>1 << (index & 63)


cdef int replay_check_rtp(const RtpReplay *replay, uint64_t index) noexcept nogil:
    return check(replay.highest, replay.seen, SRTP_REPLAY_WINDOW, index)


cdef int replay_check_rtcp(const RtcpReplay *replay, uint32_t index) noexcept nogil:
    return check(replay.highest, replay.seen, RTCP_REPLAY_WINDOW, index)


cdef void replay_add_rtp(RtpReplay *replay, uint64_t index) noexcept nogil:
    add(&replay.highest, replay.seen, SRTP_REPLAY_WINDOW, index)


cdef void replay_add_rtcp(RtcpReplay *replay, uint32_t index) noexcept nogil:
    add(&replay.highest, replay.seen, RTCP_REPLAY_WINDOW, index)


# -- the module's Python view, for tests and tools: nothing on the packet path comes below -----------------------------

cdef class Replay:
    """Both windows of one stream. `rtp` and `rtcp` give whether the index is new, and take it down."""

    cdef RtpReplay inner
    cdef RtcpReplay control

    def estimate(self, uint16_t sequence_number) -> int:
        return index_estimate(self.inner.highest, sequence_number)

    def rtp(self, uint64_t index) -> bool:
        if replay_check_rtp(&self.inner, index) != SRTP_OK:
            return False
        replay_add_rtp(&self.inner, index)
        return True

    def rtcp(self, uint32_t index) -> bool:
        if replay_check_rtcp(&self.control, index) != SRTP_OK:
            return False
        replay_add_rtcp(&self.control, index)
        return True
