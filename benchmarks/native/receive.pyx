"""What a received datagram means to a client: its counters, its streams, what its sender is asked for. Values and keys only: no socket."""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from benchmarks.native.client cimport Client, Stream
from benchmarks.native.feedback cimport (
    SEQUENCE_NEW, SEQUENCE_REORDERED, arrivals_add, sequence_add, sequence_jitter,
)
from benchmarks.native.packets cimport Mark, packet_check
from benchmarks.native.srtp cimport srtp_unprotect, srtp_unprotect_rtcp
from benchmarks.native.udp cimport CLOCK_MONOTONIC, clock_ns, get16, get32

cdef enum:
    AUDIO_CLOCK = 48_000
    VIDEO_CLOCK = 90_000


cdef bint datagram_receive(Client *client, uint8_t *data, size_t length, int64_t arrival_ns, int check_every, uint32_t sources,
                           Latencies *latencies) noexcept nogil:
    if length < 12 or data[0] < 4:
        client.stun += 1
        return length >= 20 and get16(data) == 0x0001       # RFC 8489: a Binding request
    if 20 <= data[0] < 64:
        client.dtls += 1
    elif data[0] < 128 or data[0] > 191:
        client.foreign += 1
    elif 192 <= data[1] <= 223:
        _rtcp(client, data, <int> length)
    else:
        _rtp(client, data, length, arrival_ns, check_every, sources, latencies)
    return False


cdef void _rtcp(Client *client, uint8_t *data, int size) noexcept nogil:
    cdef int at = 0, i
    cdef uint8_t kind, format
    cdef Stream *stream
    client.rtcp += 1
    if srtp_unprotect_rtcp(client.receive, data, &size) != 0:
        client.auth_failures += 1
        return
    while at + 4 <= size:
        kind, format = data[at + 1], data[at] & 0x1F
        if kind == 200 and at + 28 <= size:
            client.sender_reports += 1
            stream = _signalled(client, get32(data + at + 4))
            if stream != NULL:
                stream.last_sr = get32(data + at + 10)
                stream.last_sr_ns = clock_ns(CLOCK_MONOTONIC)
        elif kind == 201:
            client.reports += 1
        elif kind == 205 and format == 1:
            client.nacks += 1
        elif kind == 205 and format == 15:
            client.transport_feedback += 1
        elif kind == 206 and (format == 1 or format == 4) and at + 12 <= size:
            client.plis += 1
            # FIR names the stream in its first entry (RFC 5104, section 4.3.1), PLI in the header (RFC 4585, section 6.1).
            for i in range(client.sender_count):
                if client.senders[i].ssrc == get32(data + at + (8 if format == 1 or at + 16 > size else 12)):
                    client.senders[i].keyframe_wanted = 1
        at += 4 * (<int> get16(data + at + 2) + 1)


cdef void _rtp(Client *client, uint8_t *data, size_t length, int64_t arrival_ns, int check_every, uint32_t sources,
               Latencies *latencies) noexcept nogil:
    cdef uint8_t payload_type = data[1] & 0x7F
    cdef size_t payload = 12 + 4 * (data[0] & 0x0F)
    cdef int outcome, size = <int> length
    cdef Stream *stream
    if data[0] & 0x10:
        if payload + 4 > length or payload + 4 + 4 * get16(data + payload + 2) > length:
            client.foreign += 1
            return
        if client.transport_cc_id and client.arrivals != NULL and get16(data + payload) == 0xBEDE:
            _transport_number(client, data + payload + 4, data + payload + 4 + 4 * get16(data + payload + 2), arrival_ns)
        payload += 4 + 4 * get16(data + payload + 2)
    if payload_type == client.rtx_payload_type and payload_type:
        _retransmitted(client, data, size, payload)
        return
    stream = _stream(client, get32(data + 8), payload_type)
    if stream == NULL:
        client.foreign += 1
        return
    outcome = sequence_add(&stream.sequence, <uint16_t> get16(data + 2))
    if outcome != SEQUENCE_NEW and outcome != SEQUENCE_REORDERED:
        return
    client.bytes += length
    if client.first_arrival_ns == 0:
        client.first_arrival_ns = arrival_ns
    if outcome == SEQUENCE_NEW:
        sequence_jitter(&stream.sequence, get32(data + 4), arrival_ns, stream.clock_rate)
    if stream.sequence.unique % check_every == <uint64_t> (1 % check_every):
        _check(client, stream, data, size, payload, arrival_ns, sources, latencies)


cdef void _transport_number(Client *client, const uint8_t *at, const uint8_t *end, int64_t arrival_ns) noexcept nogil:
    while at < end:
        if at[0] == 0:
            at += 1
            continue
        if at[0] >> 4 == client.transport_cc_id and at + 2 < end:
            arrivals_add(client.arrivals, <uint16_t> get16(at + 1), arrival_ns)
            return
        at += 2 + (at[0] & 0x0F)


cdef Stream *_signalled(Client *client, uint32_t ssrc) noexcept nogil:
    cdef int i
    for i in range(client.stream_count):
        if client.streams[i].ssrc == ssrc:
            return &client.streams[i]
    return NULL


cdef Stream *_stream(Client *client, uint32_t ssrc, uint8_t payload_type) noexcept nogil:
    """The stream of this SSRC; a new one while it may have more."""
    cdef Stream *stream
    if payload_type == 0 or (payload_type != client.audio_payload_type and payload_type != client.video_payload_type):
        return NULL
    stream = _signalled(client, ssrc)
    if stream == NULL and client.stream_count < client.stream_capacity:
        stream = &client.streams[client.stream_count]
        stream.ssrc = ssrc
        stream.clock_rate = AUDIO_CLOCK if payload_type == client.audio_payload_type else VIDEO_CLOCK
        client.stream_count += 1
    return stream


cdef void _retransmitted(Client *client, uint8_t *data, int size, size_t payload) noexcept nogil:
    """RFC 4588: its payload begins with the number that the packet had."""
    cdef int i
    client.retransmissions += 1
    if srtp_unprotect(client.receive, data, &size) != 0:
        client.auth_failures += 1
        return
    for i in range(client.stream_count):
        if client.streams[i].rtx_ssrc == get32(data + 8) or client.stream_count == 1:
            if <size_t> size > payload + 2:
                sequence_add(&client.streams[i].sequence, <uint16_t> get16(data + payload))
            return
    client.foreign += 1


cdef void _check(Client *client, Stream *stream, uint8_t *data, int size, size_t payload, int64_t arrival_ns, uint32_t sources,
                 Latencies *latencies) noexcept nogil:
    cdef Mark mark
    cdef int64_t latency
    client.checked += 1
    if srtp_unprotect(client.receive, data, &size) != 0:
        client.auth_failures += 1
        return
    if data[0] & 0x20:                                      # RFC 3550, section 5.1: padding, its last byte counts it
        size -= data[size - 1]
    if <int> payload > size or packet_check(data + payload, <size_t> size - payload, &mark) != 0 or mark.source >= sources:
        client.corrupt += 1
        return
    if stream.source != mark.source + 1:
        stream.lost_before += stream.lost_now
        stream.source = mark.source + 1
        stream.first_counter = stream.checked_counter = mark.counter
        stream.first_unique = stream.sequence.unique - 1
        stream.lost_now = 0
    elif mark.counter > stream.checked_counter:
        stream.checked_counter = mark.counter
        stream.lost_now = <int64_t> (mark.counter - stream.first_counter + 1 + stream.first_unique) - <int64_t> stream.sequence.unique
    latency = max((arrival_ns - mark.sent_ns) // 1000, <int64_t> 0)
    latencies.count += 1
    latencies.longest_us = max(latencies.longest_us, <uint64_t> latency)
    if latency < FINE:
        latencies.fine[latency] += 1
    else:
        latencies.coarse[min(latency // 1000, <int64_t> COARSE - 1)] += 1


cdef uint64_t latency_at(const Latencies *latencies, double share) noexcept nogil:
    cdef uint64_t seen = 0
    cdef int i
    if latencies.count == 0:
        return 0
    for i in range(FINE):
        seen += latencies.fine[i]
        if seen >= share * latencies.count:
            return i + 1
    for i in range(COARSE):
        seen += latencies.coarse[i]
        if seen >= share * latencies.count:
            return 1000 * <uint64_t> (i + 1)
    return latencies.longest_us
