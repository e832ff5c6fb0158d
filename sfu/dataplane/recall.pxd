# A packet from a layer's history, parsed again.
from libc.stdint cimport uint16_t

from sfu.dataplane.state cimport Core, Layer, Pending

# 1 and the packet as it was when it came; 0 if it is not held (any more). Its bytes stay until the layer's next packet.
cdef int recall(const Core *core, Layer *layer, uint16_t sequence_number, Pending *packet) noexcept nogil
