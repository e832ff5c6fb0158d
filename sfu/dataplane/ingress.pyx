"""The way in: check, unprotect once, find the layer, keep the books, remember the packet, leave it to be forwarded.

Owns the order of these steps. Nothing is believed before the tag has verified: no state of an SSRC, no statistics, no
feedback.
"""

from libc.stdint cimport uint32_t, uint64_t

from sfu.dataplane.arrivals cimport arrivals_init, arrivals_packet
from sfu.dataplane.atomics cimport load_u64, store_u64
from sfu.dataplane.binding cimport stream_add, stream_bind, stream_find, stream_moved, stream_room
from sfu.dataplane.choice cimport LAYER_STALL_US, choose_layers
from sfu.dataplane.control cimport TICK_US, pull_deadline
from sfu.dataplane.events cimport EVENT_LAYER_STARTED, EVENT_LAYER_STOPPED, event_layer
from sfu.dataplane.forward cimport forward_soon, pending_commit, pending_reserve
from sfu.dataplane.gcm cimport gcm_unprotect
from sfu.dataplane.history cimport history_put
from sfu.dataplane.keyframes cimport keyframe_arrived, keyframe_request
from sfu.dataplane.media cimport parse_media
from sfu.dataplane.nack cimport nack_packet
from sfu.dataplane.packet cimport ExtensionView, RtpView, check_padding, find_extension, parse_header
from sfu.dataplane.packet_index cimport LAST_INDEX, index_estimate
from sfu.dataplane.reasons cimport (
    DROP_DUPLICATE,
    DROP_NONE,
    DROP_PADDING_ONLY,
    DROP_RTP_MALFORMED,
    DROP_SRTP_AUTH,
    DROP_SRTP_NO_KEYS,
    DROP_SRTP_REPLAY,
    DROP_STREAM_LIMIT,
    DROP_TOO_OLD,
    DROP_UNKNOWN_PAYLOAD_TYPE,
    DROP_UNKNOWN_SSRC,
)
from sfu.dataplane.receive cimport RECEIVE_DUPLICATE, RECEIVE_NEW, RECEIVE_TOO_OLD, stats_packet
from sfu.dataplane.replay cimport replay_add_rtp, replay_check_rtp
from sfu.dataplane.rewrite cimport unwrap_rtx
from sfu.dataplane.srtp cimport SRTP_AUTH_FAIL, SRTP_OK, SRTP_REPLAY_FAIL, SRTP_REPLAY_OLD
from sfu.dataplane.state cimport (
    DIRECTION_IN,
    EXTENSION_AUDIO_LEVEL,
    EXTENSION_TRANSPORT_CC,
    KIND_AUDIO,
    KIND_VIDEO,
    TRAFFIC_RTX,
    LevelSum,
    Pending,
    Stream,
    Track,
)
from sfu.dataplane.wire cimport get16

cdef enum:
    NOT_RTX = 255
    FORMAT_OPUS = 1     # types.Format


cdef inline void drop(Core *core, int reason) noexcept nogil:
    core.counters.dropped[reason] += 1


# A status of libsrtp. The stream is NULL where the SSRC is new.
cdef inline int decrypt(Core *core, Transport *transport, const Stream *stream, uint8_t *data, int *length, const RtpView *view,
                        uint64_t *index) noexcept nogil:
    cdef int status
    if transport.gcm_receive.context == NULL:
        return core.srtp.unprotect(transport.srtp_receive, data, length)
    index[0] = index_estimate(stream.replay.highest if stream != NULL else 0, view.sequence_number)
    status = replay_check_rtp(&stream.replay, index[0]) if stream != NULL else SRTP_OK
    if status != SRTP_OK:
        return status
    if index[0] > LAST_INDEX or gcm_unprotect(&transport.gcm_receive, index[0], view.header_length, data, length) != 0:
        return SRTP_AUTH_FAIL
    return SRTP_OK


# DROP_NONE, the view of the plain packet of *length bytes, and its stream, which is known from now on.
cdef int unprotect(Core *core, Transport *transport, uint8_t *data, int *length, RtpView *view, Stream **stream,
                   int64_t now_us) noexcept nogil:
    cdef uint64_t index = 0
    cdef int status
    cdef int reason = parse_header(data, <size_t>length[0], view)
    if reason != DROP_NONE:
        return reason
    if not transport.secured:
        return DROP_SRTP_NO_KEYS
    if length[0] < <int>view.header_length + transport.tag_length:
        return DROP_RTP_MALFORMED
    stream[0] = stream_find(transport, view.ssrc)
    if stream[0] == NULL and not stream_room(core, transport, now_us):
        return DROP_STREAM_LIMIT
    if stream[0] != NULL and stream[0].layer != NULL:
        forward_soon(stream[0].layer.track)
    status = decrypt(core, transport, stream[0], data, length, view, &index)
    if status != SRTP_OK:
        return DROP_SRTP_REPLAY if status == SRTP_REPLAY_FAIL or status == SRTP_REPLAY_OLD else DROP_SRTP_AUTH
    if stream[0] == NULL:
        stream[0] = stream_add(transport, view.ssrc)
    if transport.gcm_receive.context != NULL:
        replay_add_rtp(&stream[0].replay, index)
    return DROP_NONE


cdef void log_arrival(Transport *transport, const RtpView *view, int64_t arrival_us) noexcept nogil:
    cdef const ExtensionView *number = find_extension(view, transport.receive.extensions.id[<int>EXTENSION_TRANSPORT_CC])
    if number == NULL or number.length != 2:
        return
    if not transport.arrivals_started:
        arrivals_init(&transport.arrivals)
        transport.arrivals_started = 1
    arrivals_packet(&transport.arrivals, get16(view.data + number.offset), arrival_us)
    transport.feedback_media_ssrc = view.ssrc


cdef void note_level(const Core *core, Transport *transport, Track *track, const RtpView *view) noexcept nogil:
    cdef const ExtensionView *level = find_extension(view, transport.receive.extensions.id[<int>EXTENSION_AUDIO_LEVEL])
    cdef LevelSum *sum
    cdef uint64_t epoch
    cdef uint8_t value
    if level == NULL or level.length < 1:
        return
    value = view.data[level.offset]
    # The control side moves the epoch on and then reads the other of the two.
    epoch = load_u64(&core.level_epoch)
    sum = &track.levels[epoch & 1]
    if sum.epoch != epoch:
        sum.packets = 0
        sum.sum = 0
        sum.loudest = 127
        sum.voice = 0
        sum.epoch = epoch
    sum.packets += 1
    sum.sum += value & 0x7F
    sum.loudest = min(sum.loudest, <uint8_t>(value & 0x7F))
    sum.voice |= value >> 7


cdef void layer_stopped(Core *core, Layer *layer) noexcept nogil:
    layer.live = 0
    event_layer(core, EVENT_LAYER_STOPPED, layer)
    choose_layers(core, layer.track, 1)


# The first packet, or one in another codec, of a layer.
cdef void layer_begins(Core *core, Layer *layer, const Pending *packet, int64_t arrival_us) noexcept nogil:
    cdef int started = not layer.live
    layer.live = 1
    layer.format = packet.format
    layer.last_packet_us = arrival_us
    layer.track.last_packet_us = arrival_us
    if started:
        layer.active_since_us = arrival_us
        event_layer(core, EVENT_LAYER_STARTED, layer)
    # Where a keyframe begins it, it is here: nobody needs to ask the publisher for another.
    choose_layers(core, layer.track, not packet.payload.keyframe)


# Several packets of one picture may begin a keyframe: parameter sets come before the slices that need them (RFC 6184).
cdef inline void note_keyframe(Layer *layer, uint64_t extended, uint32_t timestamp) noexcept nogil:
    if layer.keyframe and timestamp == layer.keyframe_timestamp:
        layer.keyframe = min(layer.keyframe, extended)
    elif extended > layer.keyframe:
        layer.keyframe = extended
        layer.keyframe_timestamp = timestamp


# The packet is new: everything that its layer knows about itself follows.
cdef void account(Core *core, Transport *transport, Layer *layer, Pending *packet, uint64_t extended,
                  int newest) noexcept nogil:
    cdef int64_t arrival_us = packet.arrival_us
    if layer.track.kind == KIND_VIDEO:
        if layer.track.nack:
            nack_packet(&layer.nacks, extended, arrival_us, packet.payload.keyframe)
            if layer.nacks.overflowed:
                layer.nacks.overflowed = 0
                keyframe_request(core, layer)
    else:
        note_level(core, transport, layer.track, &packet.view)
    if newest and packet.format != layer.format and layer.live:
        core.sources += 1
        layer.source = core.sources
    if not layer.live or (newest and packet.format != layer.format):
        layer_begins(core, layer, packet, arrival_us)
    if arrival_us - layer.last_packet_us > LAYER_STALL_US:
        layer.active_since_us = arrival_us      # it has to prove itself again
    layer.last_packet_us = arrival_us
    layer.track.last_packet_us = arrival_us
    if packet.payload.keyframe:
        keyframe_arrived(layer)
        note_keyframe(layer, extended, packet.view.timestamp)


# The stream's layer; NULL where the packet must go no further (counted).
cdef Layer *find_layer(Core *core, Transport *transport, Stream *stream, const RtpView *view, uint8_t repaired,
                       uint8_t format, int64_t arrival_us) noexcept nogil:
    if stream.layer == NULL or stream.replaced or stream_moved(transport, stream, view):
        stream_bind(core, transport, stream, view, repaired, arrival_us)
    if stream.layer == NULL or stream.replaced or stream.is_rtx != (repaired != NOT_RTX):
        drop(core, DROP_UNKNOWN_SSRC)
        return NULL
    if (format == FORMAT_OPUS) != (stream.layer.track.kind == KIND_AUDIO):
        drop(core, DROP_UNKNOWN_PAYLOAD_TYPE)
        return NULL
    return stream.layer


cdef void receive_media(Core *core, Transport *transport, Layer *layer, Pending *packet) noexcept nogil:
    cdef RtpView *view = &packet.view
    cdef uint64_t extended = 0
    cdef int verdict = stats_packet(&layer.stats, view.sequence_number, view.timestamp, view.length, packet.arrival_us,
                                    packet.retransmitted, &extended)
    if verdict == RECEIVE_DUPLICATE or verdict == RECEIVE_TOO_OLD:
        drop(core, DROP_DUPLICATE if verdict == RECEIVE_DUPLICATE else DROP_TOO_OLD)
        return
    packet.padding_only = view.payload_length == 0
    packet.payload_known = 0
    packet.payload.keyframe = 0
    if packet.padding_only:
        drop(core, DROP_PADDING_ONLY)
    elif layer.track.kind == KIND_VIDEO:
        parse_media(transport, packet)
    account(core, transport, layer, packet, extended, verdict == RECEIVE_NEW)
    if not packet.padding_only:
        history_put(&layer.history, extended, packet.format, view.data, view.length, packet.arrival_us)
    if layer.track.slots != NULL:
        pending_commit(core, layer, packet)


# The tag has verified.
cdef inline void note_authentic(Transport *transport, Stream *stream, size_t length, int64_t arrival_us) noexcept nogil:
    stream.last_us = arrival_us
    transport.packets_received += 1
    transport.bytes_received += length
    transport.active_us = arrival_us
    store_u64(&transport.heard_us, <uint64_t>arrival_us)


cdef void receive_rtp(Core *core, Transport *transport, uint8_t *data, size_t length, int64_t arrival_us) noexcept nogil:
    cdef Pending *packet = pending_reserve(core)
    cdef RtpView *view = &packet.view
    cdef Stream *stream = NULL
    cdef Layer *layer
    cdef uint8_t repaired
    cdef int plain = <int>length
    cdef int reason = unprotect(core, transport, data, &plain, view, &stream, arrival_us)
    if reason != DROP_NONE:
        drop(core, reason)
        return
    note_authentic(transport, stream, length, arrival_us)
    pull_deadline(core, transport, core.now_us + TICK_US)
    reason = check_padding(view, <size_t>plain)
    if reason != DROP_NONE:
        drop(core, reason)
        return
    if transport.transport_cc:
        log_arrival(transport, view, arrival_us)
    repaired = transport.receive.repairs[view.payload_type]
    packet.format = transport.receive.formats[view.payload_type if repaired == NOT_RTX else repaired & 127]
    if packet.format == 0:
        drop(core, DROP_UNKNOWN_PAYLOAD_TYPE)
        return
    layer = find_layer(core, transport, stream, view, repaired, packet.format, arrival_us)
    if layer == NULL:
        return
    packet.arrival_us = arrival_us
    packet.retransmitted = repaired != NOT_RTX
    core.counters.packets[<int>DIRECTION_IN][<int>TRAFFIC_RTX if packet.retransmitted else layer.track.kind] += 1
    if packet.retransmitted:
        reason = unwrap_rtx(view, layer.ssrc, repaired) if layer.bound else <int>DROP_UNKNOWN_SSRC
        if reason != DROP_NONE:
            drop(core, reason)
            return
    receive_media(core, transport, layer, packet)
