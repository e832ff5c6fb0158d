# Parameters of the typed door, checked and turned into what commands carry. Each raises ValueError for a value out of its range.
from libc.stdint cimport uint8_t

from sfu.dataplane.commands cimport SlotConfig, TrackConfig
from sfu.dataplane.state cimport ReceiveTable

cdef int fill_receive(object params, ReceiveTable *table) except -1
# Everything but the layers.
cdef int fill_track(object params, TrackConfig *config) except -1
cdef int fill_slot(object params, SlotConfig *config) except -1
cdef int fill_rid(str rid, uint8_t *out, uint8_t *length) except -1
