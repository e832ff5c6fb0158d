"""RTCP read (RFC 3550, 4585, 5104, REMB): a compound checked, then walked block by block.

Owns: what a compound must look like and where its fields are. Never sends, never reads a clock, never keeps a pointer
into a packet. `rtcp_check` comes first: after it every block that `rtcp_next` gives, and every entry that its fields
promise, lies inside of the packet. A compound may start with feedback (RFC 5506).
"""

from typing import NamedTuple

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset
from sfu.dataplane.exact cimport Exact, exact_copy
from sfu.dataplane.reasons cimport DROP_NONE, DROP_RTCP_MALFORMED
from sfu.dataplane.receive cimport ReportBlock, report_as_tuple, report_from_tuple
from sfu.dataplane.rtcp_format cimport (
    FEEDBACK_HEADER, FMT_APPLICATION, FMT_FIR, FMT_NACK, FMT_PLI, FMT_TWCC, HEADER, MAX_COUNT, PT_BYE,
    PT_PAYLOAD_FEEDBACK, PT_RECEIVER_REPORT, PT_SENDER_REPORT, PT_TRANSPORT_FEEDBACK, REMB, REMB_MANTISSA_BITS,
    REPORT_BLOCK, SENDER_INFO,
)
from sfu.dataplane.wire cimport get16, get24, get32, get64

cdef enum:
    REMB_MAX_EXPONENT = 46          # 2^64 is beyond every bit rate
    MAX_ROUND_TRIP_SECONDS = 60
    ROUNDING = 66                   # 1 ms in 1/65536 s: how far rounding may make a round trip negative


cdef inline size_t _size(const uint8_t *block) noexcept nogil:
    return (<size_t> get16(block + 2) + 1) * 4


cdef int _block_fits(const uint8_t *block, size_t length) noexcept nogil:
    # Whether a block of this length, without padding, can hold what its header promises.
    cdef size_t count = block[0] & MAX_COUNT
    if block[1] == PT_SENDER_REPORT:
        return length >= SENDER_INFO + count * REPORT_BLOCK
    if block[1] == PT_RECEIVER_REPORT:
        return length >= HEADER + 4 + count * REPORT_BLOCK
    if block[1] == PT_BYE:
        return length >= HEADER + count * 4
    if block[1] == PT_TRANSPORT_FEEDBACK or block[1] == PT_PAYLOAD_FEEDBACK:
        return length >= FEEDBACK_HEADER
    return 1


cdef inline int _ends_unevenly(const uint8_t *block) noexcept nogil:
    # Padding counts whole words (RFC 3550, 6.4.1), but libwebrtc fills transport-wide feedback up to one with it.
    return block[1] == PT_TRANSPORT_FEEDBACK and block[0] & MAX_COUNT == FMT_TWCC


cdef int rtcp_check(const uint8_t *data, size_t length) noexcept nogil:
    cdef size_t offset = 0, size, padding
    if length < HEADER or length & 3:
        return DROP_RTCP_MALFORMED
    while offset < length:
        size = _size(data + offset)
        if data[offset] >> 6 != 2 or size > length - offset:
            return DROP_RTCP_MALFORMED
        padding = 0
        if data[offset] & 0x20:
            padding = data[offset + size - 1]
            if offset + size != length or padding == 0 or padding > size - HEADER:
                return DROP_RTCP_MALFORMED
            if padding & 3 and not _ends_unevenly(data + offset):
                return DROP_RTCP_MALFORMED
        if not _block_fits(data + offset, size - padding):
            return DROP_RTCP_MALFORMED
        offset += size
    return DROP_NONE


cdef int _feedback_kind(const uint8_t *block, size_t length) noexcept nogil:
    cdef int fmt = block[0] & MAX_COUNT
    if block[1] == PT_TRANSPORT_FEEDBACK:
        if fmt == FMT_NACK:
            return RTCP_NACK
        return RTCP_TWCC if fmt == FMT_TWCC else RTCP_OTHER
    if fmt == FMT_PLI:
        return RTCP_PLI
    if fmt == FMT_FIR:
        return RTCP_FIR
    if fmt == FMT_APPLICATION and length >= FEEDBACK_HEADER + 8 and get32(block + FEEDBACK_HEADER) == REMB:
        return RTCP_REMB
    return RTCP_OTHER


cdef int rtcp_next(const uint8_t *data, size_t length, size_t *offset, RtcpBlock *block) noexcept nogil:
    cdef const uint8_t *start = data + offset[0]
    cdef size_t size, header = HEADER
    memset(block, 0, sizeof(RtcpBlock))
    if offset[0] >= length:
        return 0
    size = _size(start)
    offset[0] += size
    if start[0] & 0x20:
        size -= start[size - 1]
    block.kind = RTCP_OTHER
    block.count = start[0] & MAX_COUNT
    if size >= HEADER + 4:
        block.sender_ssrc = get32(start + 4)
    if start[1] == PT_SENDER_REPORT:
        block.kind = RTCP_SENDER_REPORT
        block.ntp = get64(start + 8)
        block.rtp_timestamp = get32(start + 16)
        header = SENDER_INFO
    elif start[1] == PT_RECEIVER_REPORT:
        block.kind = RTCP_RECEIVER_REPORT
        header = HEADER + 4
    elif start[1] == PT_BYE:
        block.kind = RTCP_BYE
    elif start[1] == PT_TRANSPORT_FEEDBACK or start[1] == PT_PAYLOAD_FEEDBACK:
        block.kind = _feedback_kind(start, size)
        block.media_ssrc = get32(start + 8)
        header = FEEDBACK_HEADER
    block.body = start + header
    block.body_length = size - header
    return 1


cdef void rtcp_report_block(const RtcpBlock *block, size_t index, ReportBlock *out) noexcept nogil:
    cdef const uint8_t *report = block.body + index * REPORT_BLOCK
    out.ssrc = get32(report)
    out.fraction_lost = report[4]
    out.lost = <int32_t> (get24(report + 5) << 8) >> 8
    out.highest_sequence = get32(report + 8)
    out.jitter = get32(report + 12)
    out.last_sr = get32(report + 16)
    out.delay_since_last_sr = get32(report + 20)


cdef int rtcp_nack_pair(const RtcpBlock *block, size_t index, uint16_t *pid, uint16_t *blp) noexcept nogil:
    if index >= block.body_length // 4:
        return 0
    pid[0] = get16(block.body + index * 4)
    blp[0] = get16(block.body + index * 4 + 2)
    return 1


cdef int rtcp_fir_entry(const RtcpBlock *block, size_t index, uint32_t *ssrc, uint8_t *seq) noexcept nogil:
    if index >= block.body_length // 8:
        return 0
    ssrc[0] = get32(block.body + index * 8)
    seq[0] = block.body[index * 8 + 4]
    return 1


cdef int rtcp_remb(const RtcpBlock *block, uint64_t *bps) noexcept nogil:
    cdef uint32_t word
    cdef uint32_t exponent
    if block.kind != RTCP_REMB or block.body_length < 8 or block.body_length < 8 + <size_t> block.body[4] * 4:
        return 0
    word = get24(block.body + 5)
    exponent = word >> REMB_MANTISSA_BITS
    if exponent > REMB_MAX_EXPONENT:
        return 0
    bps[0] = <uint64_t> (word & 0x3FFFF) << exponent
    return 1


cdef int64_t rtcp_round_trip_us(const ReportBlock *report, uint64_t now_ntp) noexcept nogil:
    cdef int32_t elapsed
    if not report.last_sr:
        return 0
    elapsed = <int32_t> (<uint32_t> (now_ntp >> 16) - report.last_sr - report.delay_since_last_sr)
    if elapsed < -ROUNDING or elapsed > MAX_ROUND_TRIP_SECONDS * 65536:
        return 0
    if elapsed <= 0:
        return 1                # too short for the unit, but measured
    return (<int64_t> elapsed * 1000000) >> 16


# -- Python view, for tests and tools ------------------------------------------------------------------------

class Block(NamedTuple):
    """A block of a compound; what a kind does not have is 0 or empty."""

    kind: str
    sender_ssrc: int
    media_ssrc: int
    count_or_fmt: int
    ntp: int
    rtp_timestamp: int
    body: bytes
    reports: list
    nacks: list
    firs: list
    remb_bps: int | None


KINDS = ("other", "sender_report", "receiver_report", "bye", "nack", "pli", "fir", "twcc", "remb")


cdef object _block(const RtcpBlock *block):
    cdef ReportBlock report
    cdef uint16_t pid = 0, blp = 0
    cdef uint32_t ssrc = 0
    cdef uint8_t seq = 0
    cdef uint64_t bps = 0
    reports, nacks, firs = [], [], []
    if block.kind == RTCP_SENDER_REPORT or block.kind == RTCP_RECEIVER_REPORT:
        for index in range(block.count):
            rtcp_report_block(block, <size_t> index, &report)
            reports.append(report_as_tuple(&report))
    while block.kind == RTCP_NACK and rtcp_nack_pair(block, len(nacks), &pid, &blp):
        nacks.append((pid, blp))
    while block.kind == RTCP_FIR and rtcp_fir_entry(block, len(firs), &ssrc, &seq):
        firs.append((ssrc, seq))
    remb_bps = bps if rtcp_remb(block, &bps) else None
    return Block(KINDS[block.kind], block.sender_ssrc, block.media_ssrc, block.count, block.ntp, block.rtp_timestamp,
                 <bytes> block.body[:block.body_length], reports, nacks, firs, remb_bps)


def check(data: bytes) -> int:
    """A `DropReason`."""
    cdef Exact block = exact_copy(data)
    return rtcp_check(block.data, block.length)


def blocks(data: bytes) -> list[Block]:
    """The blocks of a compound; `ValueError` if `check` refuses it."""
    cdef Exact compound = exact_copy(data)
    cdef size_t offset = 0
    cdef RtcpBlock block
    if rtcp_check(compound.data, compound.length) != DROP_NONE:
        raise ValueError("malformed RTCP")
    found = []
    while rtcp_next(compound.data, compound.length, &offset, &block):
        found.append(_block(&block))
    return found


def round_trip_us(report, now_ntp: int) -> int:
    cdef ReportBlock block = report_from_tuple(report)
    return rtcp_round_trip_us(&block, now_ntp)
