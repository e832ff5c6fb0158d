# H.264: NAL units in their RTP shapes. `view` comes zeroed, `length` is at least 1; -1: not such a payload.
from libc.stdint cimport uint8_t

from sfu.dataplane.payload cimport PayloadView

cdef int parse_h264(const uint8_t *payload, size_t length, PayloadView *view) noexcept nogil
