# RTCP (RFC 3550, 4585, 5104): a compound packet walked block by block, and the blocks that we write.
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t, int32_t, int64_t
# The old address of these names.
from sfu.dataplane.clock cimport SenderClock, clock_init, clock_report, clock_timestamp, ntp_from_us
from sfu.dataplane.receive cimport ReceiveStats

cdef enum RtcpKind:
    RTCP_OTHER = 0
    RTCP_SENDER_REPORT
    RTCP_RECEIVER_REPORT
    RTCP_BYE
    RTCP_NACK
    RTCP_PLI
    RTCP_FIR
    RTCP_TWCC
    RTCP_REMB

cdef struct RtcpBlock:
    int kind
    uint32_t sender_ssrc
    uint32_t media_ssrc         # feedback only
    const uint8_t *body         # SR, RR: the first report block; BYE: the first SSRC; feedback: the FCI
    size_t body_length
    uint8_t count               # report blocks, BYE sources, else FMT
    uint64_t ntp                # SR only
    uint32_t rtp_timestamp      # SR only

cdef struct ReportBlock:
    uint32_t ssrc
    uint8_t fraction_lost
    int32_t lost
    uint32_t highest_sequence
    uint32_t jitter
    uint32_t last_sr
    uint32_t delay_since_last_sr

# Checks the whole compound once (versions, lengths, padding only at its end). DropReason.
cdef int rtcp_check(const uint8_t *data, size_t length) noexcept nogil
# The block at *offset of a checked compound; moves *offset past it. 0 at the end, 1 otherwise.
cdef int rtcp_next(const uint8_t *data, size_t length, size_t *offset, RtcpBlock *block) noexcept nogil
cdef void rtcp_report_block(const RtcpBlock *block, size_t index, ReportBlock *out) noexcept nogil   # index < count
cdef int rtcp_nack_pair(const RtcpBlock *block, size_t index, uint16_t *pid, uint16_t *blp) noexcept nogil   # 0: no such pair
cdef int rtcp_fir_entry(const RtcpBlock *block, size_t index, uint32_t *ssrc, uint8_t *seq) noexcept nogil
cdef int rtcp_remb(const RtcpBlock *block, uint64_t *bps) noexcept nogil
# Round trip in µs by RFC 3550 6.4.1, 0 if the block has no LSR or it is nonsense. now_ntp: 64-bit NTP of now.
cdef int64_t rtcp_round_trip_us(const ReportBlock *report, uint64_t now_ntp) noexcept nogil

# Writers: give the bytes written (a multiple of 4), 0 if `capacity` is too small. Compose them into one compound.
cdef size_t write_sender_report(uint8_t *out, size_t capacity, uint32_t ssrc, uint64_t ntp, uint32_t rtp_timestamp,
                                uint32_t packets, uint32_t octets) noexcept nogil
cdef size_t write_receiver_report(uint8_t *out, size_t capacity, uint32_t sender_ssrc, const ReportBlock *blocks, size_t count) noexcept nogil
cdef size_t write_sdes_cname(uint8_t *out, size_t capacity, uint32_t ssrc, const char *cname, size_t length) noexcept nogil
cdef size_t write_nack(uint8_t *out, size_t capacity, uint32_t sender_ssrc, uint32_t media_ssrc, const uint16_t *seqs, size_t count) noexcept nogil
cdef size_t write_pli(uint8_t *out, size_t capacity, uint32_t sender_ssrc, uint32_t media_ssrc) noexcept nogil
cdef size_t write_fir(uint8_t *out, size_t capacity, uint32_t sender_ssrc, uint32_t media_ssrc, uint8_t seq) noexcept nogil
cdef size_t write_remb(uint8_t *out, size_t capacity, uint32_t sender_ssrc, uint64_t bps, const uint32_t *ssrcs, size_t count) noexcept nogil
cdef size_t write_bye(uint8_t *out, size_t capacity, const uint32_t *ssrcs, size_t count) noexcept nogil
# The report block of a received stream, moving its interval on (RFC 3550 A.3).
cdef void report_of(ReceiveStats *stats, uint32_t ssrc, int64_t now_us, ReportBlock *out) noexcept nogil
