# Python objects that own the memory of what the engine works with.
from libc.stdint cimport uint8_t, int64_t

from sfu.dataplane.srtp cimport SrtpPair
from sfu.dataplane.state cimport Layer, Slot, Track, Transport

cdef class LayerRecord:
    cdef Layer *layer
    cdef str rid

cdef class TransportRecord:
    cdef void *block            # what `transport` lies in
    cdef Transport *transport
    cdef SrtpPair srtp
    cdef dict tracks            # handle → TrackRecord
    cdef dict slots             # handle → SlotRecord
    cdef dict addresses         # (host, port) → its place in Transport.checked_us, oldest first
    cdef object selected        # the one that we send to

cdef class TrackRecord:
    cdef Track *track
    cdef TransportRecord owner
    cdef list layers            # of LayerRecord
    cdef object params

cdef class SlotRecord:
    cdef void *block            # what `slot` lies in
    cdef Slot *slot
    cdef TransportRecord owner
    cdef object params
    cdef TrackRecord source     # what it is routed to
