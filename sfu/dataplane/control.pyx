"""The opening of every RTCP compound that we send, deadlines, and the engine's random numbers. Owns no state of its own."""

from sfu.dataplane.rtcp cimport write_receiver_report, write_sdes_cname
from sfu.dataplane.transmit cimport TRANSMIT_PAYLOAD


cdef size_t control_begin(const Transport *transport, uint8_t *out) noexcept nogil:
    cdef size_t length = write_receiver_report(out, TRANSMIT_PAYLOAD, transport.feedback_ssrc, NULL, 0)
    return length + write_sdes_cname(out + length, TRANSMIT_PAYLOAD - length, transport.feedback_ssrc, transport.cname,
                                     transport.cname_length)


cdef void pull_deadline(Core *core, const Transport *transport, int64_t when_us) noexcept nogil:
    # Deadlines fall on a grid, so that a thousand transports wake the worker together.
    cdef int64_t deadline = on_grid(when_us)
    if deadline < core.deadlines[transport.index]:
        core.deadlines[transport.index] = deadline
        if deadline < core.next_timer_us:
            core.next_timer_us = deadline


cdef uint64_t random_bits(Core *core) noexcept nogil:
    cdef uint64_t value
    core.random += <uint64_t>0x9E3779B97F4A7C15
    value = core.random
    value = (value ^ (value >> 30)) * <uint64_t>0xBF58476D1CE4E5B9
    value = (value ^ (value >> 27)) * <uint64_t>0x94D049BB133111EB
    return value ^ (value >> 31)
