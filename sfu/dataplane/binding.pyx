"""Binds SSRCs to layers: by MID and RID, else by the signalled SSRC, else by a payload type that only one m-line uses.

Owns the table of SSRCs of a transport. It is bounded, and an SSRC enters it only after a packet has authenticated. The replay
protection of an SSRC is in its entry, or libsrtp keeps a stream for it, which is removed together with the entry: never earlier,
because its rollover counter is needed when a track comes back with its SSRC.
"""

from libc.string cimport memcmp, memset

from sfu.dataplane.history cimport history_clear
from sfu.dataplane.packet cimport ExtensionView, find_extension
from sfu.dataplane.nack cimport nack_init
from sfu.dataplane.receive cimport stats_init
from sfu.dataplane.clock cimport clock_init
from sfu.dataplane.state cimport (
    EXTENSION_MID,
    EXTENSION_REPAIRED_RID,
    EXTENSION_RID,
    KIND_VIDEO,
    MAX_STREAMS,
)

cdef extern from "<arpa/inet.h>" nogil:
    uint32_t htonl(uint32_t value)

cdef enum:
    NOT_RTX = 255
    STREAM_IDLE_US = 10000000       # a stream that belongs to nothing may be forgotten after this
    REPLACED_IDLE_US = 2000000      # a replaced SSRC may have its layer back when the other has been silent for this


# -- the table ------------------------------------------------------------------------------------------------------------------

cdef Stream *stream_find(Transport *transport, uint32_t ssrc) noexcept nogil:
    cdef uint8_t place = transport.last_stream
    if place < transport.stream_count and transport.stream_ssrcs[place] == ssrc:
        return &transport.streams[place]
    for place in range(transport.stream_count):
        if transport.stream_ssrcs[place] == ssrc:
            transport.last_stream = place
            return &transport.streams[place]
    return NULL


cdef int stream_room(Core *core, Transport *transport, int64_t now_us) noexcept nogil:
    cdef int place
    cdef int oldest = -1
    if transport.stream_count < MAX_STREAMS:
        return 1
    for place in range(MAX_STREAMS):
        if transport.streams[place].layer == NULL and now_us - transport.streams[place].last_us > STREAM_IDLE_US:
            if oldest < 0 or transport.streams[place].last_us < transport.streams[oldest].last_us:
                oldest = place
    if oldest < 0:
        return 0
    if transport.srtp_receive != NULL:
        core.srtp.remove_stream(transport.srtp_receive, htonl(transport.stream_ssrcs[oldest]))
    transport.stream_count -= 1
    transport.stream_ssrcs[oldest] = transport.stream_ssrcs[transport.stream_count]
    transport.streams[oldest] = transport.streams[transport.stream_count]
    return 1


cdef Stream *stream_add(Transport *transport, uint32_t ssrc) noexcept nogil:
    cdef Stream *stream = &transport.streams[transport.stream_count]
    memset(stream, 0, sizeof(Stream))
    transport.stream_ssrcs[transport.stream_count] = ssrc
    transport.last_stream = transport.stream_count
    transport.stream_count += 1
    return stream


cdef void stream_release(Transport *transport, const Layer *layer) noexcept nogil:
    cdef int place
    for place in range(transport.stream_count):
        if transport.streams[place].layer is layer:
            transport.streams[place].layer = NULL
            transport.streams[place].replaced = 0


# -- rules ----------------------------------------------------------------------------------------------------------------------

cdef inline int is_text(const RtpView *view, const ExtensionView *extension, const uint8_t *text,
                        uint8_t length) noexcept nogil:
    return extension.length == length and memcmp(view.data + extension.offset, text, length) == 0


cdef Layer *by_mid(Transport *transport, const RtpView *view, const ExtensionView *mid, int is_rtx) noexcept nogil:
    cdef Track *track = transport.tracks
    cdef const ExtensionView *rid
    cdef int index
    while track != NULL and not is_text(view, mid, track.mid, track.mid_length):
        track = track.next
    if track == NULL:
        return NULL
    if not track.simulcast:
        return track.layers[0]
    rid = find_extension(view, transport.receive.extensions.id[<int>EXTENSION_REPAIRED_RID if is_rtx else <int>EXTENSION_RID])
    if rid == NULL:
        return NULL
    for index in range(track.layer_count):
        if is_text(view, rid, track.layers[index].rid, track.layers[index].rid_length):
            return track.layers[index]
    return NULL


cdef Layer *by_signalled_ssrc(Transport *transport, uint32_t ssrc, int is_rtx) noexcept nogil:
    cdef Track *track = transport.tracks
    cdef int index
    while track != NULL:
        if not track.simulcast:
            for index in range(track.ssrc_count):
                if (track.rtx_ssrcs[index] if is_rtx else track.ssrcs[index]) == ssrc and ssrc != 0:
                    return track.layers[0]
        track = track.next
    return NULL


cdef Layer *by_payload_type(Transport *transport, uint8_t payload_type, uint8_t repaired) noexcept nogil:
    cdef Track *track = transport.tracks
    cdef uint8_t media = repaired if repaired != NOT_RTX else payload_type
    while track != NULL:
        if not track.simulcast:
            if track.payload_types[payload_type >> 6] >> (payload_type & 63) & 1:
                return track.layers[0]
            if track.payload_types[media >> 6] >> (media & 63) & 1:
                return track.layers[0]
        track = track.next
    return NULL


cdef Layer *layer_for(Transport *transport, const RtpView *view, uint8_t repaired) noexcept nogil:
    cdef int is_rtx = repaired != NOT_RTX
    cdef Layer *layer
    cdef const ExtensionView *mid = find_extension(view, transport.receive.extensions.id[<int>EXTENSION_MID])
    if mid != NULL:
        return by_mid(transport, view, mid, is_rtx)
    layer = by_signalled_ssrc(transport, view.ssrc, is_rtx)
    if layer == NULL:
        layer = by_payload_type(transport, view.payload_type, repaired)
    return layer


# -- binding --------------------------------------------------------------------------------------------------------------------

cdef void layer_reset(Core *core, Layer *layer) noexcept nogil:
    cdef uint32_t rate = clock_rate_of(layer.track.kind)
    core.sources += 1
    layer.source = core.sources
    layer.keyframe = 0
    stats_init(&layer.stats, rate)
    clock_init(&layer.clock, rate)
    history_clear(&layer.history)
    if layer.track.kind == KIND_VIDEO:
        nack_init(&layer.nacks)


cdef void replace_source(Transport *transport, const Layer *layer) noexcept nogil:
    cdef int place
    for place in range(transport.stream_count):
        if transport.streams[place].layer is layer and not transport.streams[place].is_rtx:
            transport.streams[place].replaced = 1


cdef int stream_moved(const Transport *transport, const Stream *stream, const RtpView *view) noexcept nogil:
    cdef const ExtensionView *mid
    if view.extension_count == 0:
        return 0
    mid = find_extension(view, transport.receive.extensions.id[<int>EXTENSION_MID])
    return mid != NULL and not is_text(view, mid, stream.layer.track.mid, stream.layer.track.mid_length)


cdef void stream_bind(Core *core, Transport *transport, Stream *stream, const RtpView *view, uint8_t repaired,
                      int64_t now_us) noexcept nogil:
    cdef Layer *layer
    if stream.replaced and stream.layer != NULL and now_us - stream.layer.last_packet_us < REPLACED_IDLE_US:
        return
    layer = layer_for(transport, view, repaired)
    if layer == NULL:
        return
    stream.is_rtx = repaired != NOT_RTX
    if stream.is_rtx:
        stream.layer = layer
        return
    if stream.layer is layer and not stream.replaced:
        return
    replace_source(transport, layer)
    stream.layer = layer
    stream.replaced = 0
    if not layer.bound or layer.ssrc != view.ssrc:
        layer.bound = 1
        layer.live = 0      # it starts again, with this SSRC
        layer.ssrc = view.ssrc
        layer_reset(core, layer)
