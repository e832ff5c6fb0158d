"""RTCP (RFC 3550, 4585, 5104, REMB): compounds checked and walked, blocks written.

Owns: what a compound must look like, the bytes of what we write and the arithmetic of a report. Never sends, never reads a clock, never keeps a pointer into a packet. `rtcp_check` comes first: after it every block that
`rtcp_next` gives, and every entry that its fields promise, lies inside of the packet. A compound may start with feedback (RFC 5506).
"""

from libc.stdint cimport UINT32_MAX, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset
from sfu.dataplane.reasons cimport DROP_NONE, DROP_RTCP_MALFORMED
from sfu.dataplane.receive cimport ReceiveStats, Receiver, stats_lost
from sfu.dataplane.wire cimport get16, get24, get32, get64, put16, put24, put32, put64

cdef enum:
    PT_SENDER_REPORT = 200
    PT_RECEIVER_REPORT = 201
    PT_SDES = 202
    PT_BYE = 203
    PT_TRANSPORT_FEEDBACK = 205
    PT_PAYLOAD_FEEDBACK = 206
    FMT_NACK = 1
    FMT_TWCC = 15
    FMT_PLI = 1
    FMT_FIR = 4
    FMT_APPLICATION = 15

    HEADER = 4
    REPORT_BLOCK = 24
    SENDER_INFO = 28                # header, SSRC and sender info of an SR
    FEEDBACK_HEADER = 12            # header and both SSRCs
    MAX_COUNT = 31                  # the count field has five bits
    MAX_WORDS = 65536               # the length field has 16 bits and counts the words after the first

    SDES_CNAME = 1
    REMB_MANTISSA_BITS = 18
    REMB_MAX_EXPONENT = 46          # 2^64 is beyond every bit rate

    MAX_ROUND_TRIP_SECONDS = 60
    CLOCK_SKEW = 66                 # 1 ms in 1/65536 s: how far rounding may make a round trip negative


# -- reading ----------------------------------------------------------------------------------------------------------------------

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
            if offset + size != length or padding == 0 or padding & 3 or padding > size - HEADER:
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
    if fmt == FMT_APPLICATION and length >= FEEDBACK_HEADER + 8 and get32(block + FEEDBACK_HEADER) == 0x52454D42:   # "REMB"
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
    if elapsed < -CLOCK_SKEW or elapsed > MAX_ROUND_TRIP_SECONDS * 65536:
        return 0
    if elapsed <= 0:
        return 1                # too short for the unit, but measured
    return (<int64_t> elapsed * 1000000) >> 16


# -- writing ----------------------------------------------------------------------------------------------------------------------

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


cdef size_t write_receiver_report(uint8_t *out, size_t capacity, uint32_t sender_ssrc, const ReportBlock *blocks, size_t count) noexcept nogil:
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


cdef size_t write_sdes_cname(uint8_t *out, size_t capacity, uint32_t ssrc, const char *cname, size_t length) noexcept nogil:
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


cdef inline void _feedback_head(uint8_t *out, uint8_t fmt, uint8_t payload_type, size_t length, uint32_t sender_ssrc, uint32_t media_ssrc) noexcept nogil:
    _head(out, fmt, payload_type, length, sender_ssrc)
    put32(out + 8, media_ssrc)


cdef size_t write_nack(uint8_t *out, size_t capacity, uint32_t sender_ssrc, uint32_t media_ssrc, const uint16_t *seqs, size_t count) noexcept nogil:
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
            if length + 4 > capacity or length + 4 > <size_t> MAX_WORDS * 4:
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


cdef size_t write_fir(uint8_t *out, size_t capacity, uint32_t sender_ssrc, uint32_t media_ssrc, uint8_t seq) noexcept nogil:
    # The media SSRC goes into the entry; the field of the header is 0 (RFC 5104, 4.3.1.2).
    if capacity < FEEDBACK_HEADER + 8:
        return 0
    _feedback_head(out, FMT_FIR, PT_PAYLOAD_FEEDBACK, FEEDBACK_HEADER + 8, sender_ssrc, 0)
    put32(out + 12, media_ssrc)
    put32(out + 16, <uint32_t> seq << 24)
    return FEEDBACK_HEADER + 8


cdef size_t write_remb(uint8_t *out, size_t capacity, uint32_t sender_ssrc, uint64_t bps, const uint32_t *ssrcs, size_t count) noexcept nogil:
    # 18 bits of mantissa: rounded down, never promises more than `bps`.
    cdef size_t index, length = FEEDBACK_HEADER + 8 + count * 4
    cdef uint32_t exponent = 0
    if count > 255 or capacity < length:
        return 0
    while bps >> exponent > 0x3FFFF:
        exponent += 1
    _feedback_head(out, FMT_APPLICATION, PT_PAYLOAD_FEEDBACK, length, sender_ssrc, 0)
    put32(out + 12, 0x52454D42)     # "REMB"
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


# -- reports ----------------------------------------------------------------------------------------------------------------------

cdef void report_of(ReceiveStats *stats, uint32_t ssrc, int64_t now_us, ReportBlock *out) noexcept nogil:
    # What retransmissions brought back was still lost on the way, so it stays in the loss that the publisher is told.
    cdef int64_t lost = stats_lost(stats) + <int64_t> stats.recovered, interval_lost
    cdef uint64_t expected = stats.highest - stats.base + 1 if stats.started else 0
    cdef uint64_t interval = expected - stats.expected_prior, delay
    cdef uint64_t received = stats.packets - stats.recovered
    memset(out, 0, sizeof(ReportBlock))
    out.ssrc = ssrc
    interval_lost = <int64_t> interval - <int64_t> (received - stats.received_prior)
    if interval and interval_lost > 0:
        interval_lost = (interval_lost << 8) // <int64_t> interval
        out.fraction_lost = 255 if interval_lost > 255 else <uint8_t> interval_lost
    stats.expected_prior = expected
    stats.received_prior = received
    out.lost = 0x7FFFFF if lost > 0x7FFFFF else -0x800000 if lost < -0x800000 else <int32_t> lost
    out.highest_sequence = <uint32_t> (stats.highest - 65536) if stats.started else 0     # cycles start at 0 on the wire
    out.jitter = stats.jitter_q4 >> 4
    if stats.last_sr_ntp:
        delay = <uint64_t> (now_us - stats.last_sr_us) * 65536 // 1000000 if now_us > stats.last_sr_us else 0
        out.last_sr = stats.last_sr_ntp
        out.delay_since_last_sr = UINT32_MAX if delay > UINT32_MAX else <uint32_t> delay
