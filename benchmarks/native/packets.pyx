"""The packets of the benchmark's clients: VP8-looking or Opus-looking RTP with a stamp, and sender reports. Values only.

Every body is a piece of one repeating ramp that begins at the packet's counter, so that a receiver can compare all of it.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from benchmarks.native.client cimport Sender
from benchmarks.native.feedback cimport write_cname
from benchmarks.native.udp cimport CLOCK_REALTIME, clock_ns, get32, get64, put16, put32, put64

cdef enum:
    NTP_UNIX = 2_208_988_800    # seconds from 1900 to 1970

cdef uint8_t RAMP[2048 + 256]

for _n in range(2048 + 256):
    RAMP[_n] = _n & 0xFF


cdef int packet_write(uint8_t *out, Sender *sender, int first, int last) noexcept nogil:
    cdef uint8_t *payload = out + 12 + sender.extension_size
    cdef int size = sender.frame_size - (sender.first_shorter if first else 0)
    out[0] = 0x90 if sender.extension_size else 0x80
    out[1] = sender.payload_type | (0x80 if last and sender.video else 0)
    put16(out + 2, sender.sequence_number)
    put32(out + 4, sender.timestamp)
    put32(out + 8, sender.ssrc)
    memcpy(out + 12, sender.extension, sender.extension_size)
    if sender.transport_number_at >= 0:
        put16(out + 12 + sender.transport_number_at, sender.client.transport_number)
    memset(payload, 0, STAMP_AT)
    if sender.video:
        # VP8 payload descriptor (RFC 7741): X and S, 15-bit picture id, TL0PICIDX, one temporal layer
        payload[0] = 0x80 | (0x10 if first else 0)
        payload[1] = 0xE0
        put16(payload + 2, 0x8000 | sender.picture_id)
        payload[4] = sender.tl0picidx
        # frame tag; its lowest bit is 0 in a keyframe, then start code and 640 × 360
        payload[6] = 0x10 if sender.keyframe else 0x11
        payload[9] = 0x9D
        payload[10] = 0x01
        payload[11] = 0x2A
        put32(payload + 12, 0x80026801)
    else:
        payload[0] = 0x78                                   # Opus TOC: CELT, 20 ms (RFC 6716, section 3.1)
    put64(payload + STAMP_AT + 8, sender.sent)
    put32(payload + STAMP_AT + 16, sender.source)
    memcpy(payload + BODY_AT, RAMP + (sender.sent & 0xFF), size - (payload - out) - BODY_AT)
    put64(payload + STAMP_AT, <uint64_t> clock_ns(CLOCK_REALTIME))
    return size


cdef int packet_check(const uint8_t *payload, size_t length, Mark *mark) noexcept nogil:
    if length < BODY_AT or length > DATAGRAM:
        return -1
    mark.sent_ns = <int64_t> get64(payload + STAMP_AT)
    mark.counter = get64(payload + STAMP_AT + 8)
    mark.source = get32(payload + STAMP_AT + 16)
    return -1 if memcmp(payload + BODY_AT, RAMP + (mark.counter & 0xFF), length - BODY_AT) != 0 else 0


cdef int sender_report_write(uint8_t *out, const Sender *sender, int64_t wall_ns) noexcept nogil:
    out[0] = 0x80
    out[1] = 200
    put16(out + 2, 6)
    put32(out + 4, sender.ssrc)
    put32(out + 8, <uint32_t> (wall_ns // 1_000_000_000 + NTP_UNIX))
    put32(out + 12, <uint32_t> (((wall_ns % 1_000_000_000) << 32) // 1_000_000_000))
    put32(out + 16, sender.timestamp)
    put32(out + 20, <uint32_t> sender.sent)
    put32(out + 24, <uint32_t> sender.octets)
    return <int> (28 + write_cname(out + 28, sender.ssrc))
