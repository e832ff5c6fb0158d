"""What the receiver of one RTP stream keeps.

Owns: the extended sequence number, the bit map that finds duplicates and the counters of RFC 3550 (appendix A.1, A.3,
A.8). Never sends, never reads a clock, never sees a packet whose SRTP tag has not verified.

Sequence numbers are extended to 64 bits by the nearer direction, as SRTP's own packet index is (RFC 3711, section
3.3.1): a stream that leaps by half the space does not get past SRTP either, so RFC 3550's probation and restart (A.1)
are not needed here.
"""

from typing import NamedTuple

from libc.stdint cimport UINT32_MAX, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

cdef enum:
    WINDOW_SIZE = 4096          # sequence numbers in the bit map: more than SRTP's replay window lets be reordered
    FIRST_CYCLE = 65536         # extended numbers start here, so that one before the first packet is still positive
    MAX_TRANSIT_SECONDS = 5     # a larger leap of the transit time is a new timestamp base, not jitter


# -- statistics ----------------------------------------------------------------------------------------------

cdef void stats_init(ReceiveStats *stats, uint32_t clock_rate) noexcept nogil:
    memset(stats, 0, sizeof(ReceiveStats))
    stats.clock_rate = clock_rate


cdef inline int _seen(const ReceiveStats *stats, uint64_t extended) noexcept nogil:
    return <int> ((stats.window[(extended % WINDOW_SIZE) >> 6] >> (extended & 63)) & 1)


cdef inline void _mark(ReceiveStats *stats, uint64_t extended) noexcept nogil:
    stats.window[(extended % WINDOW_SIZE) >> 6] |= (<uint64_t> 1) << (extended & 63)


cdef void _advance(ReceiveStats *stats, uint64_t extended) noexcept nogil:
    # Moves `highest` and forgets the bits that the newly covered numbers reuse.
    cdef uint64_t number
    if extended - stats.highest >= WINDOW_SIZE:
        memset(stats.window, 0, sizeof(stats.window))
    else:
        number = stats.highest + 1
        while number <= extended:
            stats.window[(number % WINDOW_SIZE) >> 6] &= ~((<uint64_t> 1) << (number & 63))
            number += 1
    stats.highest = extended


cdef void _jitter(ReceiveStats *stats, uint32_t timestamp, int64_t now_us, int first) noexcept nogil:
    # RFC 3550, A.8, in the integer form: the estimate is kept times 16.
    cdef uint64_t now = <uint64_t> now_us
    cdef uint64_t rate = stats.clock_rate
    cdef uint32_t arrival = <uint32_t> (now // 1000000 * rate + now % 1000000 * rate // 1000000)
    cdef uint32_t transit = arrival - timestamp
    cdef int64_t distance = <int32_t> (transit - stats.last_transit)
    stats.last_transit = transit
    if distance < 0:
        distance = -distance
    if first or distance > <int64_t> MAX_TRANSIT_SECONDS * stats.clock_rate:
        return
    stats.jitter_q4 += <uint32_t> distance - ((stats.jitter_q4 + 8) >> 4)


cdef int stats_packet(ReceiveStats *stats, uint16_t seq, uint32_t timestamp, uint16_t size, int64_t now_us,
                      int is_retransmission, uint64_t *extended) noexcept nogil:
    # A retransmission that is ahead of the stream is refused (RECEIVE_TOO_OLD): had it been taken, the original would
    # pass for new as well, and everything before it for lost. It is asked for again if the stream proves it missing.
    cdef int16_t distance = 0
    cdef int verdict = RECEIVE_NEW
    cdef int first = not stats.started
    if first:
        extended[0] = <uint64_t> FIRST_CYCLE + seq
        if is_retransmission:
            return RECEIVE_TOO_OLD
        stats.started = 1
        stats.base = stats.highest = extended[0]
    else:
        distance = <int16_t> (<uint16_t> (seq - <uint16_t> stats.highest))
        extended[0] = stats.highest + <uint64_t> <int64_t> distance
        if distance > 0:
            if is_retransmission:
                return RECEIVE_TOO_OLD
            _advance(stats, extended[0])
        elif -distance >= WINDOW_SIZE:
            return RECEIVE_TOO_OLD
        elif _seen(stats, extended[0]):
            return RECEIVE_DUPLICATE
        else:
            verdict = RECEIVE_REORDERED
    _mark(stats, extended[0])
    stats.packets += 1
    stats.bytes += size
    if is_retransmission:
        stats.recovered += 1
    else:
        _jitter(stats, timestamp, now_us, first)
    return verdict


cdef int64_t stats_lost(const ReceiveStats *stats) noexcept nogil:
    if not stats.started:
        return 0
    return <int64_t> (stats.highest - stats.base + 1) - <int64_t> stats.packets


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
        # Below 256: the packet that moved `highest` on was received.
        out.fraction_lost = <uint8_t> ((interval_lost << 8) // <int64_t> interval)
    stats.expected_prior = expected
    stats.received_prior = received
    out.lost = 0x7FFFFF if lost > 0x7FFFFF else -0x800000 if lost < -0x800000 else <int32_t> lost
    # On the wire the cycles start at 0.
    out.highest_sequence = <uint32_t> (stats.highest - FIRST_CYCLE) if stats.started else 0
    out.jitter = stats.jitter_q4 >> 4
    if stats.last_sr_ntp:
        delay = <uint64_t> (now_us - stats.last_sr_us) * 65536 // 1000000 if now_us > stats.last_sr_us else 0
        out.last_sr = stats.last_sr_ntp
        out.delay_since_last_sr = UINT32_MAX if delay > UINT32_MAX else <uint32_t> delay


# -- Python view, for tests and tools ------------------------------------------------------------------------

class Report(NamedTuple):
    """A report block (RFC 3550, 6.4.1)."""

    ssrc: int
    fraction_lost: int
    lost: int
    highest_sequence: int
    jitter: int
    last_sr: int
    delay_since_last_sr: int


cdef object report_as_tuple(const ReportBlock *block):
    return Report(block.ssrc, block.fraction_lost, block.lost, block.highest_sequence, block.jitter, block.last_sr,
                  block.delay_since_last_sr)


cdef ReportBlock report_from_tuple(report):
    cdef ReportBlock block
    block.ssrc, block.fraction_lost, block.lost, block.highest_sequence = report[:4]
    block.jitter, block.last_sr, block.delay_since_last_sr = report[4:]
    return block


cdef class Receiver:
    """The statistics of one stream; `clock_rate` in Hz."""

    def __cinit__(self, clock_rate: int) -> None:
        stats_init(&self.stats, clock_rate)

    def packet(self, seq: int, timestamp: int = 0, size: int = 0, now_us: int = 0,
               retransmission: bool = False) -> tuple[str, int]:
        """Takes one packet; gives the verdict (`new`, `reordered`, `duplicate`, `too_old`) and the extended number."""
        cdef uint64_t extended = 0
        cdef int verdict = stats_packet(&self.stats, seq, timestamp, size, now_us, retransmission, &extended)
        return ("new", "reordered", "duplicate", "too_old")[verdict], extended

    def sender_report(self, ntp: int, now_us: int) -> None:
        """A sender report with this 64-bit NTP time came."""
        self.stats.last_sr_ntp = <uint32_t> ((<uint64_t> ntp) >> 16)
        self.stats.last_sr_us = now_us

    def report(self, ssrc: int, now_us: int) -> Report:
        """The report block of what came since the last one."""
        cdef ReportBlock block
        report_of(&self.stats, ssrc, now_us, &block)
        return report_as_tuple(&block)

    @property
    def highest(self) -> int:
        """Extended."""
        return self.stats.highest

    @property
    def packets(self) -> int:
        return self.stats.packets

    @property
    def bytes(self) -> int:
        return self.stats.bytes

    @property
    def lost(self) -> int:
        """Cumulative; recovered packets are not lost."""
        return stats_lost(&self.stats)

    @property
    def jitter(self) -> int:
        """In units of the media clock (RFC 3550, A.8)."""
        return self.stats.jitter_q4 >> 4
