# Numbers of the engine as the frozen dataclasses of types.py. Reading does not disturb the thread that counts.
from sfu.dataplane.records cimport LayerRecord, SlotRecord, TrackRecord, TransportRecord
from sfu.dataplane.state cimport LATENCY_BUCKETS, Core, Counters

from libc.stdint cimport int64_t

cdef int64_t *latency_bounds() noexcept nogil     # LATENCY_BUCKETS of them, in µs
cdef object counters_of(const Core *core, const Counters *control)
cdef object transport_stats_of(TransportRecord record)
cdef dict checks_of(TransportRecord record)
cdef tuple track_stats_of(TrackRecord record)
cdef object slot_stats_of(SlotRecord record)
cdef list audio_levels_of(Core *core, dict tracks)
