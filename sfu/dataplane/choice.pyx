"""Chooses the target layer of a slot: the best live one that the slot may have.

Owns `Slot.target`. It never switches: forward.pyx does, when the target's keyframe comes, and the present layer goes on
until then. To keep a picture steady, a better layer must have been there for a while before it is taken, and a layer counts
as stalled only when others of its track are clearly ahead of it, so that a screen share at one frame a second is not taken
for one that stopped.
"""

from libc.stdint cimport int64_t

from sfu.dataplane.keyframes cimport keyframe_request
from sfu.dataplane.state cimport KIND_AUDIO
from sfu.dataplane.transmit cimport transmit_held

cdef enum:
    UPGRADE_DELAY_US = 300000       # a better layer must have sent for this long
    SENDER_REPORT_WAIT_US = 5000000     # after this long without one, a layer is aligned by arrival times
    ASK_AGAIN_US = 2000000          # between two keyframe requests of a slot that waits


cdef inline int may_have(const Slot *slot, const Layer *layer) noexcept nogil:
    return (layer.bound and layer.live and slot.formats[layer.format].payload_type != 255
            and layer.track.last_packet_us - layer.last_packet_us <= LAYER_STALL_US)


# From a layer that flows to another: both clocks must be known (ALGORITHMS 4), a better one must have proved itself.
cdef int may_switch(const Core *core, const Slot *slot, const Layer *layer) noexcept nogil:
    cdef int64_t active_us = core.now_us - layer.active_since_us
    if layer.index > slot.current.index and active_us < UPGRADE_DELAY_US:
        return 0
    return (layer.clock.known and slot.current.clock.known) or active_us >= SENDER_REPORT_WAIT_US


cdef Layer *best_layer(const Core *core, const Slot *slot) noexcept nogil:
    cdef const Track *track = slot.track
    cdef Layer *layer
    cdef Layer *forced = NULL
    cdef int steady = slot_flows(slot) and slot.current.track is track and may_have(slot, slot.current)
    cdef int index = min(<int>slot.max_layer, <int>track.layer_count - 1)
    while index >= 0:
        layer = track.layers[index]
        index -= 1
        if not may_have(slot, layer):
            continue
        if not steady or layer is slot.current or may_switch(core, slot, layer):
            return layer
        if forced == NULL:
            forced = layer
    # What flows is no longer allowed and nothing may be switched to yet: keep it until then.
    return slot.current if steady else forced


cdef void choose_layer(Core *core, Slot *slot, int ask) noexcept nogil:
    cdef Layer *layer
    if slot.track == NULL or (slot.kind != KIND_AUDIO and transmit_held(slot.transport)):
        return
    if slot.kind == KIND_AUDIO or not slot.track.simulcast:
        layer = slot.track.layers[0]
    else:
        layer = best_layer(core, slot)
        if layer == NULL:
            return
    if slot.target is not layer:
        slot.target = layer
        slot.refusals = 0
        slot.keyframe_asked_us = 0
    if ask and slot.keyframe_asked_us == 0 and layer.bound and not (slot.current is layer and slot_flows(slot)):
        slot.keyframe_asked_us = core.now_us
        keyframe_request(core, layer)


cdef void choose_layers(Core *core, Track *track, int ask) noexcept nogil:
    cdef Slot *slot = track.slots
    while slot != NULL:
        choose_layer(core, slot, ask)
        slot = slot.next_of_track


cdef void choice_timer(Core *core, Track *track) noexcept nogil:
    cdef Slot *slot = track.slots
    while slot != NULL:
        if slot.keyframe_asked_us and core.now_us - slot.keyframe_asked_us >= ASK_AGAIN_US:
            slot.keyframe_asked_us = 0
        choose_layer(core, slot, 1)
        slot = slot.next_of_track
