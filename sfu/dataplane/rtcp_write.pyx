"""RTCP written (RFC 3550, 4585, 5104, REMB).

Owns: the bytes of every block that we send. Never sends, never reads a clock, never writes half a block.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset
from sfu.dataplane.exact cimport Exact, exact_copy
from sfu.dataplane.receive cimport ReportBlock, report_from_tuple
from sfu.dataplane.rtcp_format cimport (
    FEEDBACK_HEADER, FMT_APPLICATION, FMT_FIR, FMT_NACK, FMT_PLI, HEADER, MAX_BYTES, MAX_COUNT, PT_BYE,
    PT_PAYLOAD_FEEDBACK, PT_RECEIVER_REPORT, PT_SDES, PT_SENDER_REPORT, PT_TRANSPORT_FEEDBACK, REMB,
    REMB_MANTISSA_BITS, REPORT_BLOCK, SDES_CNAME, SENDER_INFO,
)
from sfu.dataplane.wire cimport put16, put24, put32, put64


cdef inline void _head(uint8_t *out, uint8_t count, uint8_t payload_type, size_t length, uint32_t ssrc) noexcept nogil:
    out[0] = 0x80 | count
    out[1] = payload_type
    put16(out + 2, <uint16_t> (length // 4 - 1))
    put32(out + 4, ssrc)


cdef size_t write_sender_report(uint8_t *out, size_t capacity, uint32_t ssrc, uint64_t ntp, uint32_t rtp_timestamp,
                                uint32_t packets, uint32_t octets) noexcept nogil:
    if capacity < SENDER_INFO:
        return 0
    _head(out, 0, PT_SENDER_REPORT, SENDER_INFO, ssrc)
    put64(out + 8, ntp)
    put32(out + 16, rtp_timestamp)
    put32(out + 20, packets)
    put32(out + 24, octets)
    return SENDER_INFO


cdef size_t write_receiver_report(uint8_t *out, size_t capacity, uint32_t sender_ssrc, const ReportBlock *blocks,
                                  size_t count) noexcept nogil:
    cdef size_t index, length = HEADER + 4 + count * REPORT_BLOCK
    cdef uint8_t *report = out + HEADER + 4
    if count > MAX_COUNT or capacity < length:
        return 0
    _head(out, <uint8_t> count, PT_RECEIVER_REPORT, length, sender_ssrc)
    for index in range(count):
        put32(report, blocks[index].ssrc)
        report[4] = blocks[index].fraction_lost
        put24(report + 5, <uint32_t> blocks[index].lost)
        put32(report + 8, blocks[index].highest_sequence)
        put32(report + 12, blocks[index].jitter)
        put32(report + 16, blocks[index].last_sr)
        put32(report + 20, blocks[index].delay_since_last_sr)
        report += REPORT_BLOCK
    return length


cdef size_t write_sdes_cname(uint8_t *out, size_t capacity, uint32_t ssrc, const char *cname,
                             size_t length) noexcept nogil:
    # The list of items ends with at least one zero byte and is filled up to 32 bits (RFC 3550, 6.5).
    cdef size_t total = (HEADER + 4 + 2 + length + 1 + 3) & ~<size_t> 3
    if length > 255 or capacity < total:
        return 0
    memset(out, 0, total)
    _head(out, 1, PT_SDES, total, ssrc)
    out[8] = SDES_CNAME
    out[9] = <uint8_t> length
    memcpy(out + 10, cname, length)
    return total


cdef inline void _feedback_head(uint8_t *out, uint8_t fmt, uint8_t payload_type, size_t length, uint32_t sender_ssrc,
                                uint32_t media_ssrc) noexcept nogil:
    _head(out, fmt, payload_type, length, sender_ssrc)
    put32(out + 8, media_ssrc)


cdef size_t write_nack(uint8_t *out, size_t capacity, uint32_t sender_ssrc, uint32_t media_ssrc, const uint16_t *seqs,
                       size_t count) noexcept nogil:
    # `seqs` in any order gives a right packet; in ascending order (over the wrap) the shortest.
    cdef size_t index, length = FEEDBACK_HEADER
    cdef uint16_t pid = 0, blp = 0, distance
    if not count or capacity < FEEDBACK_HEADER + 4:
        return 0
    for index in range(count):
        distance = <uint16_t> (seqs[index] - pid)
        if length > FEEDBACK_HEADER and distance <= 16:
            if distance:
                blp |= <uint16_t> (1 << (distance - 1))
        else:
            if length + 4 > capacity or length + 4 > <size_t> MAX_BYTES:
                return 0
            pid = seqs[index]
            blp = 0
            length += 4
            put16(out + length - 4, pid)
        put16(out + length - 2, blp)
    _feedback_head(out, FMT_NACK, PT_TRANSPORT_FEEDBACK, length, sender_ssrc, media_ssrc)
    return length


cdef size_t write_pli(uint8_t *out, size_t capacity, uint32_t sender_ssrc, uint32_t media_ssrc) noexcept nogil:
    if capacity < FEEDBACK_HEADER:
        return 0
    _feedback_head(out, FMT_PLI, PT_PAYLOAD_FEEDBACK, FEEDBACK_HEADER, sender_ssrc, media_ssrc)
    return FEEDBACK_HEADER


cdef size_t write_fir(uint8_t *out, size_t capacity, uint32_t sender_ssrc, uint32_t media_ssrc,
                      uint8_t seq) noexcept nogil:
    # The media SSRC goes into the entry; the field of the header is 0 (RFC 5104, 4.3.1.2).
    if capacity < FEEDBACK_HEADER + 8:
        return 0
    _feedback_head(out, FMT_FIR, PT_PAYLOAD_FEEDBACK, FEEDBACK_HEADER + 8, sender_ssrc, 0)
    put32(out + 12, media_ssrc)
    put32(out + 16, <uint32_t> seq << 24)
    return FEEDBACK_HEADER + 8


cdef size_t write_remb(uint8_t *out, size_t capacity, uint32_t sender_ssrc, uint64_t bps, const uint32_t *ssrcs,
                       size_t count) noexcept nogil:
    # 18 bits of mantissa: rounded down, never promises more than `bps`.
    cdef size_t index, length = FEEDBACK_HEADER + 8 + count * 4
    cdef uint32_t exponent = 0
    if count > 255 or capacity < length:
        return 0
    while bps >> exponent > 0x3FFFF:
        exponent += 1
    _feedback_head(out, FMT_APPLICATION, PT_PAYLOAD_FEEDBACK, length, sender_ssrc, 0)
    put32(out + 12, REMB)
    out[16] = <uint8_t> count
    put24(out + 17, (exponent << REMB_MANTISSA_BITS) | <uint32_t> (bps >> exponent))
    for index in range(count):
        put32(out + 20 + index * 4, ssrcs[index])
    return length


cdef size_t write_bye(uint8_t *out, size_t capacity, const uint32_t *ssrcs, size_t count) noexcept nogil:
    cdef size_t index, length = HEADER + count * 4
    if not count or count > MAX_COUNT or capacity < length:
        return 0
    _head(out, <uint8_t> count, PT_BYE, length, ssrcs[0])
    for index in range(1, count):
        put32(out + HEADER + index * 4, ssrcs[index])
    return length


# -- Python view, for tests and tools ------------------------------------------------------------------------

def sender_report(ssrc: int, ntp: int, rtp_timestamp: int, packets: int, octets: int, capacity: int = 1500) -> bytes:
    """This and the functions below give the block's bytes; empty where it does not fit into `capacity`."""
    cdef Exact out = Exact(capacity)
    return out.first(write_sender_report(out.data, out.length, ssrc, ntp, rtp_timestamp, packets, octets))


def receiver_report(ssrc: int, reports: list[Report], capacity: int = 1500) -> bytes:
    cdef Exact out = Exact(capacity), source = Exact(len(reports) * sizeof(ReportBlock))
    cdef ReportBlock *list_ = <ReportBlock *> source.data
    for index, report in enumerate(reports):
        list_[<size_t> index] = report_from_tuple(report)
    return out.first(write_receiver_report(out.data, out.length, ssrc, list_, len(reports)))


def sdes_cname(ssrc: int, cname: bytes, capacity: int = 1500) -> bytes:
    cdef Exact out = Exact(capacity), source = exact_copy(cname)
    return out.first(write_sdes_cname(out.data, out.length, ssrc, <const char *> source.data, source.length))


def nack(sender_ssrc: int, media_ssrc: int, seqs: list[int], capacity: int = 1500) -> bytes:
    cdef Exact out = Exact(capacity), source = Exact(len(seqs) * sizeof(uint16_t))
    for index, seq in enumerate(seqs):
        (<uint16_t *> source.data)[<size_t> index] = seq
    return out.first(write_nack(out.data, out.length, sender_ssrc, media_ssrc, <uint16_t *> source.data, len(seqs)))


def pli(sender_ssrc: int, media_ssrc: int, capacity: int = 1500) -> bytes:
    cdef Exact out = Exact(capacity)
    return out.first(write_pli(out.data, out.length, sender_ssrc, media_ssrc))


def fir(sender_ssrc: int, media_ssrc: int, seq: int, capacity: int = 1500) -> bytes:
    cdef Exact out = Exact(capacity)
    return out.first(write_fir(out.data, out.length, sender_ssrc, media_ssrc, seq))


cdef Exact _ssrcs(list ssrcs):
    cdef Exact source = Exact(len(ssrcs) * sizeof(uint32_t))
    for index, ssrc in enumerate(ssrcs):
        (<uint32_t *> source.data)[<size_t> index] = ssrc
    return source


def remb(sender_ssrc: int, bps: int, ssrcs: list[int], capacity: int = 1500) -> bytes:
    cdef Exact out = Exact(capacity), source = _ssrcs(ssrcs)
    return out.first(write_remb(out.data, out.length, sender_ssrc, bps, <uint32_t *> source.data, len(ssrcs)))


def bye(ssrcs: list[int], capacity: int = 1500) -> bytes:
    cdef Exact out = Exact(capacity), source = _ssrcs(ssrcs)
    return out.first(write_bye(out.data, out.length, <uint32_t *> source.data, len(ssrcs)))
