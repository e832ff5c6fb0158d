# Small things that everything which writes RTCP or sets a timer needs.
from libc.stdint cimport uint8_t, uint32_t, uint64_t, int64_t

from sfu.dataplane.state cimport Core, Transport

cdef enum:
    TICK_US = 20000             # how often a transport in use is looked after; also the grid of all deadlines
    FAR_FUTURE = 0x3FFFFFFFFFFFFFFF

# The empty receiver report and the CNAME that a compound packet starts with (RFC 3550, section 6.1). Gives its length.
cdef size_t control_begin(const Transport *transport, uint8_t *out) noexcept nogil
# The transport's timer shall run at `when_us` at the latest.
cdef void pull_deadline(Core *core, const Transport *transport, int64_t when_us) noexcept nogil
# Random bits (splitmix64), seeded by the engine.
cdef uint64_t random_bits(Core *core) noexcept nogil

cdef inline int64_t on_grid(int64_t when_us) noexcept nogil:
    return (when_us + TICK_US - 1) // TICK_US * TICK_US
