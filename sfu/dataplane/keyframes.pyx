"""Merges and throttles keyframe requests: one PLI (RFC 4585) a layer in its track's interval, sent once more if no keyframe follows.

Owns the KeyframeRequest of a layer. It does not know who asks.
"""

from libc.stdint cimport uint8_t

from sfu.dataplane.control cimport control_begin, pull_deadline
from sfu.dataplane.rtcp cimport write_pli
from sfu.dataplane.state cimport DIRECTION_OUT, KIND_VIDEO, Transport
from sfu.dataplane.transmit cimport TRANSMIT_PAYLOAD, transmit_ready, transmit_reserve, transmit_rtcp


cdef void send_request(Core *core, Layer *layer) noexcept nogil:
    cdef Transport *transport = layer.track.transport
    cdef uint8_t *out
    cdef size_t length
    layer.request.sent_us = core.now_us
    layer.request.tries += 1
    if not transmit_ready(transport):
        return
    out = transmit_reserve(core)
    if out == NULL:
        return
    length = control_begin(transport, out)
    length += write_pli(out + length, TRANSMIT_PAYLOAD - length, transport.feedback_ssrc, layer.ssrc)
    if transmit_rtcp(core, transport, out, <int>length) == 0:
        layer.request.sent += 1
        core.counters.keyframe_requests[<int>DIRECTION_OUT] += 1


cdef void keyframe_request(Core *core, Layer *layer) noexcept nogil:
    if layer.track.kind != KIND_VIDEO or not layer.bound:
        return
    if not layer.request.wanted:
        layer.request.wanted = 1
        layer.request.tries = 0
    if core.now_us - layer.request.sent_us >= layer.track.keyframe_interval_us or layer.request.sent_us == 0:
        send_request(core, layer)
    pull_deadline(core, layer.track.transport, layer.request.sent_us + layer.track.keyframe_interval_us)


cdef void keyframe_arrived(Layer *layer) noexcept nogil:
    layer.request.wanted = 0


cdef void keyframe_timer(Core *core, Layer *layer) noexcept nogil:
    if not layer.request.wanted or core.now_us - layer.request.sent_us < layer.track.keyframe_interval_us:
        return
    if layer.request.tries < KEYFRAME_TRIES:
        send_request(core, layer)
    else:
        layer.request.wanted = 0
