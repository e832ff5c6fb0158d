# RTCP read (RFC 3550, 4585, 5104, REMB): a compound checked, then walked block by block.
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t, int64_t
# What writes RTCP can be had from here too.
from sfu.dataplane.receive cimport ReportBlock, report_of
from sfu.dataplane.rtcp_write cimport (
    write_bye, write_fir, write_nack, write_pli, write_receiver_report, write_remb, write_sdes_cname,
    write_sender_report,
)

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

# Checks the whole compound once (versions, lengths, padding only at its end). DropReason.
cdef int rtcp_check(const uint8_t *data, size_t length) noexcept nogil
# The block at *offset of a checked compound; moves *offset past it. 0 at the end, 1 otherwise.
cdef int rtcp_next(const uint8_t *data, size_t length, size_t *offset, RtcpBlock *block) noexcept nogil
cdef void rtcp_report_block(const RtcpBlock *block, size_t index, ReportBlock *out) noexcept nogil   # index < count
# Each gives 0 if there is no such entry.
cdef int rtcp_nack_pair(const RtcpBlock *block, size_t index, uint16_t *pid, uint16_t *blp) noexcept nogil
cdef int rtcp_fir_entry(const RtcpBlock *block, size_t index, uint32_t *ssrc, uint8_t *seq) noexcept nogil
cdef int rtcp_remb(const RtcpBlock *block, uint64_t *bps) noexcept nogil
# Round trip in µs by RFC 3550 6.4.1, 0 if the block has no LSR or it is nonsense. now_ntp: 64-bit NTP of now.
cdef int64_t rtcp_round_trip_us(const ReportBlock *report, uint64_t now_ntp) noexcept nogil
