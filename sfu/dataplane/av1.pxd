# AV1: the aggregation header and the first OBU; the dependency descriptor. `view` comes zeroed, `length` is at least 1;
# -1: not such a payload.
from libc.stdint cimport uint8_t

from sfu.dataplane.payload cimport PayloadView

cdef int parse_av1(const uint8_t *payload, size_t length, PayloadView *view) noexcept nogil
# Adds the frame number of a dependency descriptor (the value of that header extension) to a view.
cdef void parse_descriptor(const uint8_t *descriptor, size_t length, PayloadView *view) noexcept nogil
