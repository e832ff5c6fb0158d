# Which layer of its track a slot gets.
from sfu.dataplane.state cimport Core, Layer, Slot, Track

cdef enum:
    LAYER_STALL_US = 500000     # this far behind the newest packet of its track a layer is not chosen

# Decide anew: for one slot, or for every slot that a track fills. `ask`: for a keyframe too, where one is needed.
cdef void choose_layer(Core *core, Slot *slot, int ask) noexcept nogil
cdef void choose_layers(Core *core, Track *track, int ask) noexcept nogil
# The slot waits for a keyframe: ask again at times.
cdef void choice_timer(Core *core, Track *track) noexcept nogil
# Its present source is still what the layer sends.
cdef inline int slot_flows(const Slot *slot) noexcept nogil:
    return slot.current != NULL and slot.current_source == slot.current.source
