# Keyframe requests toward a publisher: those of all subscribers as one.
from libc.stdint cimport int64_t

from sfu.dataplane.state cimport Core, Layer

cdef enum:
    KEYFRAME_TRIES = 2                  # the request and one retry

cdef void keyframe_request(Core *core, Layer *layer) noexcept nogil
cdef void keyframe_arrived(Layer *layer) noexcept nogil
cdef void keyframe_timer(Core *core, Layer *layer) noexcept nogil
