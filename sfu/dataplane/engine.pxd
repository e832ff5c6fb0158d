# The engine as Python sees it.
from libc.stdint cimport uint8_t, int64_t

from sfu.dataplane.commands cimport SlotConfig, TrackConfig
from sfu.dataplane.records cimport SlotRecord, TrackRecord, TransportRecord
from sfu.dataplane.state cimport Command, Core, Counters

cdef class Engine:
    cdef Core *core
    cdef Counters control       # what the control thread counts: datagrams that it sent itself
    cdef bint running           # a worker's thread has the core
    cdef int wake_fd            # eventfd that wakes it, -1 without one
    cdef dict _transports       # handle → TransportRecord
    cdef dict _tracks
    cdef dict _slots
    cdef dict _addresses        # Address → TransportRecord: a bound on their number
    cdef uint8_t *_datagram
    cdef object __weakref__

    cdef Command *_command(self, int kind, void *target, size_t argument_size, object keep) except NULL
    cdef void _submit(self, Command *command) noexcept
    cdef int _hand_over(self, int kind, void *target, const void *argument, size_t size, object keep) except -1
    cdef void reap(self) noexcept
    cdef int only_idle(self) except -1
    cdef int _drop_address(self, TransportRecord record, object key) except -1
    cdef int _address_command(self, int kind, TransportRecord record, object key) except -1
    cdef list _layers(self, TrackRecord record, object params, TrackConfig *config)
    cdef int _track_command(self, int kind, TrackRecord record, TrackConfig *config, object keep) except -1
    cdef int _slot_command(self, int kind, SlotRecord record, SlotConfig *config) except -1
