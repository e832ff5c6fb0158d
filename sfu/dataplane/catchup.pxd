# A slot that joins late gets the last keyframe and what followed from history, where that is short enough.
from sfu.dataplane.state cimport Core, Slot

# 1 if the slot flows now; nobody need ask the publisher for a keyframe.
cdef int catch_up(Core *core, Slot *slot) noexcept nogil
