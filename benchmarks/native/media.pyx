"""The media of all clients of a load: one thread sends what is due, one drains every socket and answers with feedback.
Owns counters, patterns and the latency histogram. Sockets and SRTP sessions belong to the caller, who keeps them open until both
threads have ended. The draining thread polls, so that the server never pays for waking a reader. STUN and DTLS are only counted.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from benchmarks.native.client cimport MAX_EXTENSION, MAX_TABLE, Client, Sender, Stream
from benchmarks.native.feedback cimport (
    MAX_REPORT_BLOCKS, RTCP_CAPACITY, Arrivals, sequence_lost, sequence_missing, write_cname, write_nack, write_report_block,
    write_report_head, write_transport_feedback,
)
from benchmarks.native.packets cimport BODY_AT, DATAGRAM, packet_write, sender_report_write
from benchmarks.native.readings cimport client_reading, sender_reading
from benchmarks.native.receive cimport Latencies, datagram_receive, latency_at
from benchmarks.native.schedule cimport frame_begin, frame_end, schedule_sift
from benchmarks.native.srtp cimport session_pointer, srtp_protect, srtp_protect_rtcp
from benchmarks.native.udp cimport (
    CLOCK_MONOTONIC, CLOCK_REALTIME, CMSG_DATA, CMSG_FIRSTHDR, MSG_DONTWAIT, PR_SET_TIMERSLACK, SCM_TIMESTAMPNS, SOL_SOCKET, clock_ns,
    cmsghdr, iovec, mmsghdr, prctl, recvmmsg, send, sleep_until, timespec,
)

cdef enum:
    BATCH = 32
    CONTROL = 64
    NACK_BACK = 256
    NACK_BATCH = 64
    NACK_EVERY_NS = 100_000_000
    REPORT_EVERY_NS = 1_000_000_000
    TRANSPORT_FEEDBACK_EVERY_NS = 100_000_000
    REQUESTS = 64
    REQUEST_SIZE = 512
    LATE_NS = 2_000_000
    PAUSED_NS = 20_000_000      # between two looks of a sender that is not active
    GOLDEN = 40_503             # 2 ** 16 divided by the golden ratio
    TIMER_SLACK_NS = 1_000      # Linux's 50 µs would blur the gaps inside a frame

cdef struct Request:
    int client
    size_t length
    uint8_t data[REQUEST_SIZE]

cdef class Media:
    cdef Client *_clients
    cdef volatile int _client_count
    cdef int _client_capacity
    cdef Sender *_senders
    cdef int *_heap             # indexes of senders, the one that is due first at 0
    cdef int _sender_count
    cdef int _sender_capacity
    cdef volatile int _active
    cdef volatile int _stop_sending
    cdef volatile int _stop_draining
    cdef volatile int _mark
    cdef int64_t _interval_ns
    cdef int _check_every
    cdef bint _answer
    cdef Latencies _latencies
    cdef Request _requests[REQUESTS]
    cdef volatile unsigned int _requests_in
    cdef volatile unsigned int _requests_out
    cdef list _sessions
    cdef mmsghdr _messages[BATCH]
    cdef iovec _vectors[BATCH]
    cdef uint8_t _buffers[BATCH][DATAGRAM]
    cdef uint8_t _controls[BATCH][CONTROL]

    def __cinit__(self, int clients, int senders=0, *, double interval_ms=4.0, int check_every=4, bint feedback=True):
        self._clients = <Client *> calloc(max(clients, 1), sizeof(Client))
        self._senders = <Sender *> calloc(max(senders, 1), sizeof(Sender))
        self._heap = <int *> calloc(max(senders, 1), sizeof(int))
        if self._clients == NULL or self._senders == NULL or self._heap == NULL:
            raise MemoryError
        self._client_capacity = clients
        self._sender_capacity = senders
        self._active = senders
        self._interval_ns = <int64_t> (interval_ms * 1e6)
        self._check_every = max(check_every, 1)
        self._answer = feedback
        self._sessions = []

    def __dealloc__(self):
        cdef int i
        if self._clients != NULL:
            for i in range(self._client_count):
                free(self._clients[i].streams)
                free(self._clients[i].arrivals)
        free(self._clients)
        free(self._senders)
        free(self._heap)

    def add_client(self, int fd, receive, send_media, send_feedback, *, unsigned int feedback_ssrc=1, payload_types=(0, 0, 0),
                   int transport_cc_id=0, streams=(), int more_streams=0):
        """Drain `fd`, a connected non-blocking socket, from now on; also while draining runs. Gives the client's index.

        `payload_types`: audio, video, RTX. `streams`: (SSRC, SSRC of RTX or 0, clock rate) as signalled; `more_streams` that are not.
        """
        cdef Client *client
        cdef int64_t now = clock_ns(CLOCK_MONOTONIC)
        cdef int i
        if self._client_count == self._client_capacity:
            raise ValueError(f"made for {self._client_capacity} clients")
        client = &self._clients[self._client_count]
        client.fd = fd
        client.receive = session_pointer(receive)
        client.send_media = session_pointer(send_media)
        client.send_feedback = session_pointer(send_feedback)
        client.feedback_ssrc = feedback_ssrc
        client.audio_payload_type, client.video_payload_type, client.rtx_payload_type = payload_types
        client.transport_cc_id = transport_cc_id
        client.stream_capacity = len(streams) + more_streams
        client.streams = <Stream *> calloc(max(client.stream_capacity, 1), sizeof(Stream))
        client.arrivals = <Arrivals *> calloc(1, sizeof(Arrivals)) if client.stream_capacity else NULL
        if client.streams == NULL or (client.stream_capacity and client.arrivals == NULL):
            raise MemoryError
        for i, (ssrc, rtx_ssrc, clock_rate) in enumerate(streams):
            client.streams[i].ssrc, client.streams[i].rtx_ssrc, client.streams[i].clock_rate = ssrc, rtx_ssrc, clock_rate
        client.stream_count = len(streams)
        # Spread over their intervals, as the clients of different people are.
        client.next_report_ns = now + REPORT_EVERY_NS * (1 + self._client_count % 16) // 16
        client.next_transport_feedback_ns = now + TRANSPORT_FEEDBACK_EVERY_NS * (1 + self._client_count % 8) // 8
        self._sessions.append((receive, send_media, send_feedback))
        self._client_count += 1
        return self._client_count - 1

    def add_sender(self, int client, *, unsigned int ssrc, int payload_type, int clock_rate, bytes extension, int transport_number_at,
                   double frame_s, double gap_s, packets, int keyframe_packets, double keyframe_every_s, sizes, int first_shorter):
        """A stream of a client, its senders one after the other; only before `send`. Gives the sender's index, its `source`.

        `packets`: of each frame, repeated. `sizes`: smallest and largest bytes of RTP. A `keyframe_every_s` of 0: not video.
        """
        cdef Sender *sender
        cdef int i
        if self._sender_count == self._sender_capacity:
            raise ValueError(f"made for {self._sender_capacity} senders")
        if not 0 <= client < self._client_count:
            raise IndexError(client)
        if len(extension) > MAX_EXTENSION or not 1 <= len(packets) <= MAX_TABLE or min(packets) < 1 or frame_s <= 0:
            raise ValueError("extension, packets or frame_s is out of range")
        if not 12 + len(extension) + BODY_AT + first_shorter <= sizes[0] <= sizes[1] <= 1400:
            raise ValueError(f"sizes must be {12 + len(extension) + BODY_AT + first_shorter} to 1400 bytes")
        sender = &self._senders[self._sender_count]
        sender.client = &self._clients[client]
        if sender.client.sender_count == 0:
            sender.client.senders = sender
        sender.client.sender_count += 1
        sender.ssrc = ssrc
        sender.source = self._sender_count
        sender.payload_type = payload_type
        sender.video = keyframe_every_s > 0
        sender.clock_rate = clock_rate
        memcpy(sender.extension, <const char *> extension, len(extension))
        sender.extension_size = len(extension)
        sender.transport_number_at = transport_number_at
        sender.frame_ns = <int64_t> (frame_s * 1e9)
        sender.gap_ns = <int64_t> (gap_s * 1e9)
        sender.packets_count = len(packets)
        for i in range(sender.packets_count):
            sender.packets[i] = packets[i]
        sender.keyframe_packets = keyframe_packets
        sender.keyframe_every = max(1, <int64_t> (keyframe_every_s / frame_s))
        sender.size_min, sender.size_max = sizes
        sender.first_shorter = first_shorter
        sender.sequence_number = <uint16_t> (ssrc >> 3)
        sender.timestamp = ssrc * 7
        sender.picture_id = <uint16_t> (ssrc & 0x7FFF)
        sender.keyframe_wanted = 1
        self._heap[self._sender_count] = self._sender_count
        self._sender_count += 1
        return self._sender_count - 1

    # -- sending ------------------------------------------------------------------------------------------------

    def send(self):
        """Send until `stop_sending`; meant for a thread of its own."""
        with nogil:
            self._send_loop()

    def stop_sending(self):
        self._stop_sending = 1

    def activate(self, int senders):
        """From now on only the first so many of them send."""
        self._active = senders

    cdef void _send_loop(self) noexcept nogil:
        cdef int64_t start = clock_ns(CLOCK_MONOTONIC) + 1_000_000
        cdef Sender *sender
        cdef int i
        prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS)
        for i in range(self._sender_count):
            sender = &self._senders[i]
            # Streams of one client begin together; the golden ratio spreads clients over a frame, those of one room far apart.
            sender.due_ns = start + (sender.frame_ns * (<uint64_t> (sender.client - self._clients) * GOLDEN & 0xFFFF) >> 16)
            sender.frame_due_ns = sender.due_ns
        for i in range(self._sender_count // 2 - 1, -1, -1):
            schedule_sift(self._senders, self._heap, self._sender_count, i)
        while not self._stop_sending and self._sender_count:
            sender = &self._senders[self._heap[0]]
            sleep_until(sender.due_ns)
            if self._heap[0] < self._active:
                self._send_due(sender, clock_ns(CLOCK_MONOTONIC))
            else:
                sender.due_ns += PAUSED_NS
                sender.frame_due_ns = sender.due_ns
            schedule_sift(self._senders, self._heap, self._sender_count, 0)

    cdef void _send_due(self, Sender *sender, int64_t now) noexcept nogil:
        cdef uint8_t report[128]
        cdef int size
        cdef bint late = now - sender.due_ns > LATE_NS, last = False
        if sender.first_ns == 0:
            sender.first_ns = now
        while not last:
            last = self._send_packet(sender)
            sender.late += late
            if sender.gap_ns and not last:
                sender.due_ns += sender.gap_ns
                return
        frame_end(sender)
        if now >= sender.next_report_ns:
            sender.next_report_ns = now + REPORT_EVERY_NS
            size = sender_report_write(report, sender, clock_ns(CLOCK_REALTIME))
            if srtp_protect_rtcp(sender.client.send_media, report, &size) == 0:
                send(sender.client.fd, report, size, MSG_DONTWAIT)

    cdef bint _send_packet(self, Sender *sender) noexcept nogil:
        """True: it was the last one of its frame."""
        cdef uint8_t packet[DATAGRAM]
        cdef bint first = sender.in_frame == 0, last
        cdef int size
        if first:
            frame_begin(sender)
        last = sender.in_frame + 1 >= sender.frame_packets
        size = packet_write(packet, sender, first, last)
        sender.octets += size - 12 - sender.extension_size
        if srtp_protect(sender.client.send_media, packet, &size) != 0 or send(sender.client.fd, packet, size, MSG_DONTWAIT) != size:
            sender.send_errors += 1
        sender.sent += 1
        sender.sequence_number += 1
        sender.client.transport_number += 1
        sender.in_frame += 1
        return last

    # -- draining -----------------------------------------------------------------------------------------------

    def drain(self):
        """Drain until `stop_draining`; meant for a thread of its own."""
        with nogil:
            self._drain_loop()

    def stop_draining(self):
        self._stop_draining = 1

    def mark(self):
        """From the next turn on latencies are counted anew."""
        self._mark = 1

    cdef void _drain_loop(self) noexcept nogil:
        cdef int i
        cdef int64_t next_ns = clock_ns(CLOCK_MONOTONIC), now
        while not self._stop_draining:
            if self._mark:
                memset(&self._latencies, 0, sizeof(self._latencies))
                self._mark = 0
            for i in range(self._client_count):
                self._drain_one(&self._clients[i])
                if self._answer and self._clients[i].stream_count:
                    self._feedback(&self._clients[i])
            next_ns += self._interval_ns
            now = clock_ns(CLOCK_MONOTONIC)
            if next_ns < now:
                next_ns = now
            sleep_until(next_ns)

    cdef void _drain_one(self, Client *client) noexcept nogil:
        cdef int received, i
        while True:
            for i in range(BATCH):
                self._vectors[i].iov_base = self._buffers[i]
                self._vectors[i].iov_len = DATAGRAM
                self._messages[i].msg_hdr.msg_iov = &self._vectors[i]
                self._messages[i].msg_hdr.msg_iovlen = 1
                self._messages[i].msg_hdr.msg_control = self._controls[i]
                self._messages[i].msg_hdr.msg_controllen = CONTROL
            received = recvmmsg(client.fd, self._messages, BATCH, MSG_DONTWAIT, NULL)
            for i in range(received):
                if datagram_receive(client, self._buffers[i], self._messages[i].msg_len, _kernel_time(&self._messages[i]),
                                    self._check_every, self._sender_count, &self._latencies):
                    self._keep_request(client, self._buffers[i], self._messages[i].msg_len)
            if received < BATCH:
                return

    cdef void _keep_request(self, Client *client, const uint8_t *data, size_t length) noexcept nogil:
        """A full server's connectivity check: rare, so Python answers it. One that finds no place is sent again by its sender."""
        cdef Request *request = &self._requests[self._requests_in % REQUESTS]
        if self._requests_in - self._requests_out >= REQUESTS or length > REQUEST_SIZE:
            return
        request.client = client - self._clients
        request.length = length
        memcpy(request.data, data, length)
        self._requests_in += 1

    def take_requests(self):
        """(client, STUN request) of those that wait for an answer."""
        cdef Request *request
        found = []
        while self._requests_out < self._requests_in:
            request = &self._requests[self._requests_out % REQUESTS]
            found.append((request.client, <bytes> request.data[:request.length]))
            self._requests_out += 1
        return found

    cdef void _feedback(self, Client *client) noexcept nogil:
        cdef uint8_t out[RTCP_CAPACITY + 64]
        cdef uint16_t missing[NACK_BATCH]
        cdef int64_t now = clock_ns(CLOCK_MONOTONIC)
        cdef size_t count
        cdef Stream *stream
        cdef int i
        if now >= client.next_report_ns:
            client.next_report_ns = now + REPORT_EVERY_NS
            self._report(client, out, now)
        if client.transport_cc_id and now >= client.next_transport_feedback_ns:
            client.next_transport_feedback_ns = now + TRANSPORT_FEEDBACK_EVERY_NS
            self._send_rtcp(client, out, write_transport_feedback(out, client.feedback_ssrc, client.streams[0].ssrc, client.arrivals))
        for i in range(client.stream_count):
            stream = &client.streams[i]
            if stream.sequence.started and sequence_lost(&stream.sequence) and now >= stream.next_nack_ns:
                stream.next_nack_ns = now + NACK_EVERY_NS
                count = sequence_missing(&stream.sequence, NACK_BACK, missing, NACK_BATCH)
                client.nacked += count
                self._send_rtcp(client, out, write_nack(out, client.feedback_ssrc, stream.ssrc, missing, count))

    cdef void _report(self, Client *client, uint8_t *out, int64_t now) noexcept nogil:
        cdef Stream *stream
        cdef size_t at = 8
        cdef int blocks = 0, i
        for i in range(client.stream_count):
            stream = &client.streams[i]
            if stream.sequence.started and blocks < MAX_REPORT_BLOCKS:
                at += write_report_block(out + at, stream.ssrc, &stream.sequence, stream.last_sr, now - stream.last_sr_ns)
                blocks += 1
        write_report_head(out, client.feedback_ssrc, blocks)
        self._send_rtcp(client, out, at + write_cname(out + at, client.feedback_ssrc))

    cdef void _send_rtcp(self, Client *client, uint8_t *out, size_t length) noexcept nogil:
        cdef int size = <int> length
        if size == 0 or srtp_protect_rtcp(client.send_feedback, out, &size) != 0:
            return
        send(client.fd, out, size, MSG_DONTWAIT)

    # -- readings -----------------------------------------------------------------------------------------------

    def received(self):
        """Packets that arrived so far, each once."""
        cdef uint64_t total = 0
        cdef int i, k
        for i in range(self._client_count):
            for k in range(self._clients[i].stream_count):
                total += self._clients[i].streams[k].sequence.unique
        return total

    def client(self, int index, *, bint to_the_end=False):
        """Counters of one client, packets unless their name says otherwise. `lost` is up to the newest packet that was decrypted.

        `to_the_end`: up to the last packet that was sent; only true when all that was sent has had the time to arrive.
        """
        if not 0 <= index < self._client_count:
            raise IndexError(index)
        return client_reading(&self._clients[index], self._senders, to_the_end)

    def totals(self, *, bint to_the_end=False):
        """The sums of `client` over all of them."""
        sums = {}
        for i in range(self._client_count):
            for name, count in client_reading(&self._clients[i], self._senders, to_the_end).items():
                sums[name] = sums.get(name, 0) + count
        return sums

    def sender(self, int index):
        """Counters of one sender; `sent` and `late` are packets."""
        if not 0 <= index < self._sender_count:
            raise IndexError(index)
        return sender_reading(&self._senders[index])

    def latencies_us(self, shares):
        """Latency since `mark` that each of `shares` (0 to 1) of the packets did not exceed, in µs; the longest comes last."""
        return (*(latency_at(&self._latencies, share) for share in shares), self._latencies.longest_us)


cdef inline int64_t _kernel_time(mmsghdr *message) noexcept nogil:
    cdef cmsghdr *control = CMSG_FIRSTHDR(&message.msg_hdr)
    cdef timespec *stamp
    if control != NULL and control.cmsg_level == SOL_SOCKET and control.cmsg_type == SCM_TIMESTAMPNS:
        stamp = <timespec *> CMSG_DATA(control)
        return <int64_t> stamp.tv_sec * 1_000_000_000 + stamp.tv_nsec
    return clock_ns(CLOCK_REALTIME)
