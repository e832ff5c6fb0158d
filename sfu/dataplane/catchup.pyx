"""Serves a newcomer from a layer's history, so that many joins at once do not make the publisher send keyframe after keyframe.

Only where the last keyframe is less than CATCH_UP_PACKETS back (ALGORITHMS 10): a longer burst would cost more than a new
one.
"""

from libc.stdint cimport uint16_t, uint64_t

from sfu.dataplane.choice cimport slot_flows
from sfu.dataplane.forward cimport forward_packet
from sfu.dataplane.recall cimport recall
from sfu.dataplane.state cimport KIND_VIDEO, Layer, Pending
from sfu.dataplane.transmit cimport transmit_ready

cdef enum:
    CATCH_UP_PACKETS = 40


cdef int catch_up(Core *core, Slot *slot) noexcept nogil:
    cdef Layer *layer = slot.target
    cdef Pending packet
    cdef uint64_t number
    if layer == NULL or slot.kind != KIND_VIDEO or slot_flows(slot) or not transmit_ready(slot.transport):
        return 0
    if not layer.live or layer.keyframe == 0 or layer.stats.highest - layer.keyframe >= CATCH_UP_PACKETS:
        return 0
    number = layer.keyframe
    while number <= layer.stats.highest:
        # A hole is left as it is: the newcomer asks for what is missing like anybody else.
        if recall(core, layer, <uint16_t>number, &packet):
            forward_packet(core, slot, layer, &packet)
        elif number == layer.keyframe:
            return 0
        number += 1
    return slot_flows(slot)
