"""Publishers: paced senders of VP8-looking RTP, all in one thread.

Owns the packets' making (numbers, picture ids, keyframes, the stamp that receivers read) and each publisher's RTCP; sockets and
SRTP sessions belong to the caller. A keyframe comes every `keyframe_every` frames and after each PLI or FIR.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from benchmarks.native.srtp cimport session_pointer, srtp_protect, srtp_protect_rtcp, srtp_unprotect_rtcp
from benchmarks.native.udp cimport (
    CLOCK_MONOTONIC, CLOCK_REALTIME, MSG_DONTWAIT, clock_ns, get16, iovec, mmsghdr, put16, put32, put64, recvmmsg, send, sleep_until,
)

cdef enum:
    BATCH = 16
    DATAGRAM = 2048
    HEADER = 24                 # 12 bytes, 4 of extension header, 8 of extensions (MID, transport-wide number)
    STAMP_OFFSET = 16           # receivers.pyx reads it there
    VIDEO_CLOCK = 90_000
    REPORT_EVERY_NS = 1_000_000_000
    NTP_UNIX = 2_208_988_800    # seconds from 1900 to 1970

cdef struct Publisher:
    int fd
    void *receive
    void *send
    uint32_t ssrc
    uint8_t payload_type
    uint8_t mid_id
    uint8_t mid
    uint8_t transport_cc_id
    uint16_t sequence_number
    uint16_t transport_number
    uint16_t picture_id
    uint8_t tl0picidx
    uint32_t timestamp
    uint64_t frame
    int in_frame
    uint8_t keyframe
    uint8_t keyframe_wanted
    uint64_t counter            # packets sent
    uint64_t octets
    uint64_t send_errors
    uint64_t keyframes
    uint64_t plis
    uint64_t nacks
    uint64_t reports
    uint64_t transport_feedback
    uint64_t auth_failures
    uint64_t late               # sent over 2 ms after they were due
    int64_t due_ns
    int64_t next_report_ns
    int64_t first_ns

cdef class Publishers:
    cdef Publisher *_items
    cdef int _count
    cdef int _capacity
    cdef list _sessions
    cdef volatile int _stop
    cdef int _packet_size
    cdef int _packets_per_frame
    cdef int _burst
    cdef int _keyframe_every
    cdef int64_t _step_ns
    cdef mmsghdr _messages[BATCH]
    cdef iovec _vectors[BATCH]
    cdef uint8_t _buffers[BATCH][DATAGRAM]

    def __cinit__(self, int capacity, *, int packets_per_second=300, int packets_per_frame=10, bint burst=False,
                  int packet_size=1200, double keyframe_every_s=3.0):
        if not HEADER + STAMP_OFFSET + 16 <= packet_size <= 1400:
            raise ValueError("packet_size must be 56 to 1400 bytes")
        self._items = <Publisher *> calloc(max(capacity, 1), sizeof(Publisher))
        if self._items == NULL:
            raise MemoryError
        self._capacity = capacity
        self._packet_size = packet_size
        self._packets_per_frame = packets_per_frame
        self._burst = packets_per_frame if burst else 1
        self._step_ns = <int64_t> 1_000_000_000 * self._burst // packets_per_second
        self._keyframe_every = max(1, <int> (keyframe_every_s * packets_per_second / packets_per_frame))
        self._sessions = []

    def __dealloc__(self):
        free(self._items)

    def add(self, int fd, receive, send, *, unsigned int ssrc, int payload_type, int mid_id, str mid, int transport_cc_id):
        """Send on `fd`, a connected non-blocking socket, from `run` on; only before it. Gives the publisher's index."""
        cdef Publisher *item
        if self._count == self._capacity:
            raise ValueError(f"made for {self._capacity} publishers")
        item = &self._items[self._count]
        item.fd = fd
        item.receive = session_pointer(receive)
        item.send = session_pointer(send)
        item.ssrc = ssrc
        item.payload_type = payload_type
        item.mid_id = mid_id
        item.mid = ord(mid)
        item.transport_cc_id = transport_cc_id
        item.sequence_number = <uint16_t> (ssrc >> 3)
        item.timestamp = ssrc * 7
        item.picture_id = <uint16_t> (ssrc & 0x7FFF)
        item.keyframe_wanted = 1
        self._sessions.append((receive, send))
        self._count += 1
        return self._count - 1

    def run(self):
        """Send until `stop`; meant for a thread of its own."""
        with nogil:
            self._loop()

    def stop(self):
        self._stop = 1

    cdef void _loop(self) noexcept nogil:
        cdef int i, n
        cdef int64_t start = clock_ns(CLOCK_MONOTONIC) + 1_000_000, now
        cdef Publisher *item
        for i in range(self._count):
            self._items[i].due_ns = start + self._step_ns * i // self._count
        i = 0
        while not self._stop:
            item = &self._items[i]
            sleep_until(item.due_ns)
            now = clock_ns(CLOCK_MONOTONIC)
            if now - item.due_ns > 2_000_000:
                item.late += 1
            for n in range(self._burst):
                self._send_one(item)
            self._rtcp(item, now)
            item.due_ns += self._step_ns
            i = (i + 1) % self._count

    cdef void _send_one(self, Publisher *item) noexcept nogil:
        cdef uint8_t packet[DATAGRAM]
        cdef uint8_t *payload = packet + HEADER
        cdef int i, size = self._packet_size
        cdef int first = item.in_frame == 0, last = item.in_frame == self._packets_per_frame - 1
        if first:
            item.keyframe = item.keyframe_wanted or item.frame % self._keyframe_every == 0
            item.keyframe_wanted = 0
            item.keyframes += item.keyframe
        if item.first_ns == 0:
            item.first_ns = clock_ns(CLOCK_MONOTONIC)
        packet[0] = 0x90
        packet[1] = item.payload_type | (0x80 if last else 0)
        put16(packet + 2, item.sequence_number)
        put32(packet + 4, item.timestamp)
        put32(packet + 8, item.ssrc)
        put32(packet + 12, 0xBEDE0002)
        packet[16] = item.mid_id << 4
        packet[17] = item.mid
        packet[18] = (item.transport_cc_id << 4) | 1 if item.transport_cc_id else 0
        put16(packet + 19, item.transport_number if item.transport_cc_id else 0)
        packet[21] = packet[22] = packet[23] = 0
        # VP8 payload descriptor (RFC 7741): X and S, 15-bit picture id, TL0PICIDX, one temporal layer
        payload[0] = 0x80 | (0x10 if first else 0)
        payload[1] = 0xE0
        put16(payload + 2, 0x8000 | item.picture_id)
        payload[4] = item.tl0picidx
        payload[5] = 0
        # frame tag; its lowest bit is 0 in a keyframe, then start code and 640 × 360
        payload[6] = 0x10 if item.keyframe else 0x11
        put16(payload + 7, 0)
        payload[9] = 0x9D
        payload[10] = 0x01
        payload[11] = 0x2A
        put32(payload + 12, 0x80026801)
        for i in range(STAMP_OFFSET + 16, size - HEADER):
            payload[i] = <uint8_t> (i + item.counter)
        put64(payload + STAMP_OFFSET + 8, item.counter)
        put64(payload + STAMP_OFFSET, <uint64_t> clock_ns(CLOCK_REALTIME))
        if srtp_protect(item.send, packet, &size) != 0 or send(item.fd, packet, size, MSG_DONTWAIT) != size:
            item.send_errors += 1
        item.counter += 1
        item.octets += self._packet_size - HEADER
        item.sequence_number += 1
        item.transport_number += 1
        item.in_frame += 1
        if last:
            item.in_frame = 0
            item.frame += 1
            item.picture_id = (item.picture_id + 1) & 0x7FFF
            item.tl0picidx += 1
            item.timestamp += <uint32_t> (VIDEO_CLOCK * self._packets_per_frame * (self._step_ns // self._burst) // 1_000_000_000)

    cdef void _rtcp(self, Publisher *item, int64_t now) noexcept nogil:
        cdef int received, i
        if now >= item.next_report_ns:
            item.next_report_ns = now + REPORT_EVERY_NS
            self._sender_report(item)
        for i in range(BATCH):
            self._vectors[i].iov_base = self._buffers[i]
            self._vectors[i].iov_len = DATAGRAM
            self._messages[i].msg_hdr.msg_iov = &self._vectors[i]
            self._messages[i].msg_hdr.msg_iovlen = 1
        received = recvmmsg(item.fd, self._messages, BATCH, MSG_DONTWAIT, NULL)
        for i in range(received):
            self._feedback(item, self._buffers[i], <int> self._messages[i].msg_len)

    cdef void _feedback(self, Publisher *item, uint8_t *data, int size) noexcept nogil:
        cdef int at = 0, format
        if size < 12 or not (128 <= data[0] < 192 and 192 <= data[1] <= 223):
            return                                          # STUN answers and DTLS
        if srtp_unprotect_rtcp(item.receive, data, &size) != 0:
            item.auth_failures += 1
            return
        while at + 4 <= size:
            format = data[at] & 0x1F
            if data[at + 1] == 201:
                item.reports += 1
            elif data[at + 1] == 205 and format == 1:
                item.nacks += 1
            elif data[at + 1] == 205 and format == 15:
                item.transport_feedback += 1
            elif data[at + 1] == 206 and (format == 1 or format == 4):
                item.plis += 1
                item.keyframe_wanted = 1
            at += 4 * (<int> get16(data + at + 2) + 1)

    cdef void _sender_report(self, Publisher *item) noexcept nogil:
        cdef uint8_t out[128]
        cdef int64_t wall = clock_ns(CLOCK_REALTIME)
        cdef int size = 44
        out[0] = 0x80
        out[1] = 200
        put16(out + 2, 6)
        put32(out + 4, item.ssrc)
        put32(out + 8, <uint32_t> (wall // 1_000_000_000 + NTP_UNIX))
        put32(out + 12, <uint32_t> (((wall % 1_000_000_000) << 32) // 1_000_000_000))
        put32(out + 16, item.timestamp)
        put32(out + 20, <uint32_t> item.counter)
        put32(out + 24, <uint32_t> item.octets)
        out[28] = 0x81                                      # SDES, CNAME "bench"
        out[29] = 202
        put16(out + 30, 3)
        put32(out + 32, item.ssrc)
        out[36] = 1
        out[37] = 5
        out[38] = c"b"
        out[39] = c"e"
        out[40] = c"n"
        out[41] = c"c"
        out[42] = c"h"
        out[43] = 0
        if srtp_protect_rtcp(item.send, out, &size) == 0:
            send(item.fd, out, size, MSG_DONTWAIT)

    def publisher(self, int index):
        """Counters of one publisher; `sent` counts packets."""
        if not 0 <= index < self._count:
            raise IndexError(index)
        cdef Publisher *item = &self._items[index]
        return {
            "sent": item.counter,
            "send_errors": item.send_errors,
            "keyframes": item.keyframes,
            "plis": item.plis,
            "nacks": item.nacks,
            "reports": item.reports,
            "transport_feedback": item.transport_feedback,
            "auth_failures": item.auth_failures,
            "late": item.late,
            "first_ns": item.first_ns,
        }
