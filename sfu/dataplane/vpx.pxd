# VP8 and VP9: the descriptors in front of their payloads. `view` comes zeroed, `length` is at least 1; -1: not such a
# payload.
from libc.stdint cimport uint8_t

from sfu.dataplane.payload cimport PayloadView

cdef int parse_vp8(const uint8_t *payload, size_t length, PayloadView *view) noexcept nogil
cdef int parse_vp9(const uint8_t *payload, size_t length, PayloadView *view) noexcept nogil
