"""Receivers: many sockets drained by one polling thread, so that the server never pays for waking a reader.

Owns the counters of what arrived and the latency histogram; the sockets and SRTP sessions belong to the caller, who keeps them
open until the thread has ended. Never touches STUN and DTLS beyond counting them: after the handshake nothing comes that matters.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from benchmarks.native.feedback cimport (
    RTCP_CAPACITY, SEQUENCE_DUPLICATE, SEQUENCE_NEW, SEQUENCE_REORDERED, Arrivals, Sequence, arrivals_add, sequence_add,
    sequence_jitter, sequence_lost, sequence_missing, write_nack, write_receiver_report, write_transport_feedback,
)
from benchmarks.native.srtp cimport session_pointer, srtp_protect_rtcp, srtp_unprotect, srtp_unprotect_rtcp
from benchmarks.native.udp cimport (
    CLOCK_MONOTONIC, CLOCK_REALTIME, CMSG_DATA, CMSG_FIRSTHDR, MSG_DONTWAIT, SCM_TIMESTAMPNS, SOL_SOCKET, cmsghdr, clock_ns, get16,
    get32, get64, iovec, mmsghdr, recvmmsg, send, sleep_until, timespec,
)

cdef enum:
    BATCH = 32
    DATAGRAM = 2048
    CONTROL = 64
    STAMP_OFFSET = 16           # of the stamp, from the payload's start; publishers.pyx writes it there
    LATENCY_BUCKETS = 16_384    # of 1 µs; the last one holds everything above
    NACK_EVERY_NS = 100_000_000
    NACK_BACK = 256
    NACK_BATCH = 64
    REPORT_EVERY_NS = 1_000_000_000
    TRANSPORT_FEEDBACK_EVERY_NS = 100_000_000

cdef struct Receiver:
    int fd
    void *receive
    void *send
    uint32_t local_ssrc
    uint32_t ssrc
    uint8_t payload_type
    uint8_t rtx_payload_type
    uint8_t transport_cc_id     # 0: not negotiated
    uint8_t nack
    Sequence sequence
    Arrivals arrivals
    uint64_t bytes
    uint64_t checked
    uint64_t corrupt
    uint64_t auth_failures
    uint64_t retransmissions
    uint64_t foreign            # RTP of another SSRC or payload type
    uint64_t rtcp
    uint64_t sender_reports
    uint64_t stun
    uint64_t dtls
    uint64_t nacked
    uint64_t first_counter
    uint64_t last_counter
    int64_t first_ns            # CLOCK_MONOTONIC
    uint32_t last_sr
    int64_t last_sr_ns
    int64_t next_report_ns
    int64_t next_transport_feedback_ns
    int64_t next_nack_ns
    uint64_t marked_unique

cdef class Receivers:
    cdef Receiver *_items
    cdef int _count
    cdef int _capacity
    cdef list _sessions
    cdef volatile int _stop
    cdef volatile int _mark
    cdef int64_t _interval_ns
    cdef int _check_every
    cdef bint _answer
    cdef uint64_t *_latency
    cdef uint64_t _latency_max
    cdef uint64_t _sent_feedback
    cdef mmsghdr _messages[BATCH]
    cdef iovec _vectors[BATCH]
    cdef uint8_t _buffers[BATCH][DATAGRAM]
    cdef uint8_t _controls[BATCH][CONTROL]

    def __cinit__(self, int capacity, double interval_ms=4.0, int check_every=4, bint feedback=True):
        self._items = <Receiver *> calloc(max(capacity, 1), sizeof(Receiver))
        self._latency = <uint64_t *> calloc(LATENCY_BUCKETS, sizeof(uint64_t))
        if self._items == NULL or self._latency == NULL:
            raise MemoryError
        self._capacity = capacity
        self._interval_ns = <int64_t> (interval_ms * 1e6)
        self._check_every = max(check_every, 1)
        self._answer = feedback
        self._sessions = []

    def __dealloc__(self):
        free(self._items)
        free(self._latency)

    def add(self, int fd, receive, send, *, unsigned int local_ssrc, int payload_type, int rtx_payload_type, int transport_cc_id,
            bint nack):
        """Drain `fd` from now on; only before `run`. `receive` and `send` are pylibsrtp sessions. Gives the receiver's index."""
        cdef Receiver *item
        cdef int64_t now = clock_ns(CLOCK_MONOTONIC)
        if self._count == self._capacity:
            raise ValueError(f"made for {self._capacity} receivers")
        item = &self._items[self._count]
        item.fd = fd
        item.receive = session_pointer(receive)
        item.send = session_pointer(send)
        item.local_ssrc = local_ssrc
        item.payload_type = payload_type
        item.rtx_payload_type = rtx_payload_type
        item.transport_cc_id = transport_cc_id
        item.nack = nack
        # Spread over their intervals, as the clients of different people are.
        item.next_report_ns = now + REPORT_EVERY_NS * (1 + self._count % 16) // 16
        item.next_transport_feedback_ns = now + TRANSPORT_FEEDBACK_EVERY_NS * (1 + self._count % 8) // 8
        self._sessions.append((receive, send))
        self._count += 1
        return self._count - 1

    def run(self):
        """Drain until `stop`; meant for a thread of its own."""
        with nogil:
            self._loop()

    def stop(self):
        self._stop = 1

    def mark(self):
        """From the next turn on latencies are counted anew, and `since_mark` counts from here."""
        self._mark = 1

    cdef void _loop(self) noexcept nogil:
        cdef int i
        cdef int64_t next_ns = clock_ns(CLOCK_MONOTONIC), now
        while not self._stop:
            if self._mark:
                memset(self._latency, 0, LATENCY_BUCKETS * sizeof(uint64_t))
                self._latency_max = 0
                for i in range(self._count):
                    self._items[i].marked_unique = self._items[i].sequence.unique
                self._mark = 0
            for i in range(self._count):
                self._drain(&self._items[i])
                if self._answer:
                    self._feedback(&self._items[i])
            next_ns += self._interval_ns
            now = clock_ns(CLOCK_MONOTONIC)
            if next_ns < now:
                next_ns = now
            sleep_until(next_ns)

    cdef void _drain(self, Receiver *item) noexcept nogil:
        cdef int received, i
        while True:
            for i in range(BATCH):
                self._vectors[i].iov_base = self._buffers[i]
                self._vectors[i].iov_len = DATAGRAM
                self._messages[i].msg_hdr.msg_iov = &self._vectors[i]
                self._messages[i].msg_hdr.msg_iovlen = 1
                self._messages[i].msg_hdr.msg_control = self._controls[i]
                self._messages[i].msg_hdr.msg_controllen = CONTROL
            received = recvmmsg(item.fd, self._messages, BATCH, MSG_DONTWAIT, NULL)
            for i in range(received):
                self._datagram(item, self._buffers[i], self._messages[i].msg_len, _kernel_time(&self._messages[i]))
            if received < BATCH:
                return

    cdef void _datagram(self, Receiver *item, uint8_t *data, size_t length, int64_t arrival_ns) noexcept nogil:
        cdef int size = <int> length
        if length < 12 or data[0] < 4:
            item.stun += 1
        elif 20 <= data[0] < 64:
            item.dtls += 1
        elif data[0] < 128 or data[0] > 191:
            item.foreign += 1
        elif 192 <= data[1] <= 223:
            item.rtcp += 1
            if srtp_unprotect_rtcp(item.receive, data, &size) != 0:
                item.auth_failures += 1
            elif data[1] == 200 and size >= 28:
                item.sender_reports += 1
                item.last_sr = get32(data + 10)
                item.last_sr_ns = clock_ns(CLOCK_MONOTONIC)
        else:
            self._rtp(item, data, length, arrival_ns)

    cdef void _rtp(self, Receiver *item, uint8_t *data, size_t length, int64_t arrival_ns) noexcept nogil:
        cdef uint8_t payload_type = data[1] & 0x7F
        cdef uint32_t ssrc = get32(data + 8)
        cdef uint16_t number = <uint16_t> get16(data + 2)
        cdef size_t payload = 12 + 4 * (data[0] & 0x0F), extensions_end, at
        cdef int outcome, size = <int> length
        if data[0] & 0x10:
            if payload + 4 > length:
                item.foreign += 1
                return
            at = payload + 4
            extensions_end = at + 4 * get16(data + payload + 2)
            payload = extensions_end
            if payload > length:
                item.foreign += 1
                return
            if item.transport_cc_id and get16(data + at - 4) == 0xBEDE:
                while at < extensions_end:
                    if data[at] == 0:
                        at += 1
                        continue
                    if data[at] >> 4 == item.transport_cc_id and at + 2 < extensions_end:
                        arrivals_add(&item.arrivals, <uint16_t> get16(data + at + 1), arrival_ns)
                    at += 2 + (data[at] & 0x0F)
        if payload_type == item.rtx_payload_type:
            item.retransmissions += 1
            if srtp_unprotect(item.receive, data, &size) != 0:
                item.auth_failures += 1
            elif <size_t> size > payload + 2:
                sequence_add(&item.sequence, <uint16_t> get16(data + payload))
            return
        if payload_type != item.payload_type or (item.ssrc != 0 and ssrc != item.ssrc):
            item.foreign += 1
            return
        item.ssrc = ssrc
        outcome = sequence_add(&item.sequence, number)
        if outcome != SEQUENCE_NEW and outcome != SEQUENCE_REORDERED:
            return
        item.bytes += length
        if outcome == SEQUENCE_NEW:
            sequence_jitter(&item.sequence, get32(data + 4), arrival_ns)
        if item.sequence.unique % self._check_every == 1 % self._check_every:
            self._check(item, data, size, payload, arrival_ns)

    cdef void _check(self, Receiver *item, uint8_t *data, int size, size_t payload, int64_t arrival_ns) noexcept nogil:
        cdef int64_t latency
        cdef uint64_t counter
        cdef size_t i
        item.checked += 1
        if srtp_unprotect(item.receive, data, &size) != 0:
            item.auth_failures += 1
            return
        if payload + STAMP_OFFSET + 16 > <size_t> size:
            item.corrupt += 1
            return
        counter = get64(data + payload + STAMP_OFFSET + 8)
        for i in range(payload + STAMP_OFFSET + 16, <size_t> size):
            if data[i] != <uint8_t> (i - payload + counter):
                item.corrupt += 1
                return
        if item.first_ns == 0:
            item.first_ns = clock_ns(CLOCK_MONOTONIC)
            item.first_counter = counter
        item.last_counter = max(item.last_counter, counter)
        latency = (arrival_ns - <int64_t> get64(data + payload + STAMP_OFFSET)) // 1000
        self._latency_max = max(self._latency_max, <uint64_t> max(latency, <int64_t> 0))
        self._latency[max(<int64_t> 0, min(latency, <int64_t> LATENCY_BUCKETS - 1))] += 1

    cdef void _feedback(self, Receiver *item) noexcept nogil:
        cdef uint8_t out[RTCP_CAPACITY + 32]
        cdef uint16_t missing[NACK_BATCH]
        cdef int64_t now = clock_ns(CLOCK_MONOTONIC)
        cdef size_t count
        if not item.sequence.started:
            return
        if now >= item.next_report_ns:
            item.next_report_ns = now + REPORT_EVERY_NS
            self._send_rtcp(item, out, write_receiver_report(out, item.local_ssrc, item.ssrc, &item.sequence, item.last_sr,
                                                             item.last_sr_ns, now))
        if item.transport_cc_id and now >= item.next_transport_feedback_ns:
            item.next_transport_feedback_ns = now + TRANSPORT_FEEDBACK_EVERY_NS
            self._send_rtcp(item, out, write_transport_feedback(out, item.local_ssrc, item.ssrc, &item.arrivals))
        if item.nack and now >= item.next_nack_ns:
            item.next_nack_ns = now + NACK_EVERY_NS
            count = sequence_missing(&item.sequence, NACK_BACK, missing, NACK_BATCH)
            item.nacked += count
            self._send_rtcp(item, out, write_nack(out, item.local_ssrc, item.ssrc, missing, count))

    cdef void _send_rtcp(self, Receiver *item, uint8_t *out, size_t length) noexcept nogil:
        cdef int size = <int> length
        if size == 0 or srtp_protect_rtcp(item.send, out, &size) != 0:
            return
        send(item.fd, out, size, MSG_DONTWAIT)
        self._sent_feedback += 1

    def receiver(self, int index):
        """Counters of one receiver; numbers are packets unless their name says otherwise."""
        if not 0 <= index < self._count:
            raise IndexError(index)
        cdef Receiver *item = &self._items[index]
        return {
            "unique": item.sequence.unique,
            "since_mark": item.sequence.unique - item.marked_unique,
            "lost": sequence_lost(&item.sequence),
            "duplicates": item.sequence.duplicates,
            "reordered": item.sequence.reordered,
            "too_old": item.sequence.too_old,
            "bytes": item.bytes,
            "checked": item.checked,
            "corrupt": item.corrupt,
            "auth_failures": item.auth_failures,
            "retransmissions": item.retransmissions,
            "foreign": item.foreign,
            "rtcp": item.rtcp,
            "sender_reports": item.sender_reports,
            "stun": item.stun,
            "dtls": item.dtls,
            "nacked": item.nacked,
            "first_counter": item.first_counter,
            "last_counter": item.last_counter,
            "first_ns": item.first_ns,
        }

    def latencies_us(self, quantiles):
        """Latency since `mark` at each quantile (0 to 1), in µs, rounded up to the bucket's end; the maximum comes last."""
        cdef uint64_t total = 0, seen = 0
        cdef int i
        for i in range(LATENCY_BUCKETS):
            total += self._latency[i]
        found = []
        for quantile in quantiles:
            seen = 0
            for i in range(LATENCY_BUCKETS):
                seen += self._latency[i]
                if total and seen >= quantile * total:
                    break
            found.append(i + 1)
        return (*found, self._latency_max)

    @property
    def feedback_sent(self):
        return self._sent_feedback


cdef inline int64_t _kernel_time(mmsghdr *message) noexcept nogil:
    cdef cmsghdr *control = CMSG_FIRSTHDR(&message.msg_hdr)
    cdef timespec *stamp
    if control != NULL and control.cmsg_level == SOL_SOCKET and control.cmsg_type == SCM_TIMESTAMPNS:
        stamp = <timespec *> CMSG_DATA(control)
        return <int64_t> stamp.tv_sec * 1_000_000_000 + stamp.tv_nsec
    return clock_ns(CLOCK_REALTIME)
