# Which indices of a stream have arrived (RFC 3711, section 3.3.2).
from libc.stdint cimport uint32_t, uint64_t

from sfu.dataplane.srtp cimport SRTP_REPLAY_WINDOW

cdef enum:
    RTP_REPLAY_WORDS = 16       # SRTP_REPLAY_WINDOW / 64
    RTCP_REPLAY_WORDS = 2
    RTCP_REPLAY_WINDOW = 128    # compounds; as libsrtp's

# All zero: nothing has arrived under this key.
cdef struct RtpReplay:
    uint64_t highest
    uint64_t seen[RTP_REPLAY_WORDS]     # ring of bits: the newest indices up to `highest`

cdef struct RtcpReplay:
    uint64_t highest
    uint64_t seen[RTCP_REPLAY_WORDS]

# SRTP_OK, SRTP_REPLAY_FAIL (it has arrived before) or SRTP_REPLAY_OLD (nobody knows any more). Changes nothing: whoever finds the
# packet authentic adds it.
cdef int replay_check_rtp(const RtpReplay *replay, uint64_t index) noexcept nogil
cdef int replay_check_rtcp(const RtcpReplay *replay, uint32_t index) noexcept nogil
# An index that was just found good.
cdef void replay_add_rtp(RtpReplay *replay, uint64_t index) noexcept nogil
cdef void replay_add_rtcp(RtcpReplay *replay, uint32_t index) noexcept nogil
