# A layer's packets into the slots that it fills.
from libc.stdint cimport uint8_t, uint32_t, uint64_t, int64_t

from libc.string cimport memset

from sfu.dataplane.state cimport Core, Layer, Pending, Slot, Track

# Room for a packet that is about to be parsed. Forwards everything first if there is none left.
cdef Pending *pending_reserve(Core *core) noexcept nogil
# The reserved packet is whole and belongs to the layer; its bytes stay where they are until forward_pending.
cdef void pending_commit(Core *core, Layer *layer, Pending *packet) noexcept nogil
# Sends what is pending to every slot, one slot after the other: what goes to one destination lies together.
cdef void forward_pending(Core *core) noexcept nogil
# A packet of this track is about to be decrypted.
cdef void forward_soon(const Track *track) noexcept nogil
cdef void forward_packet(Core *core, Slot *slot, Layer *layer, const Pending *packet) noexcept nogil
# From now on nothing of the present source goes out.
cdef void slot_silence(Slot *slot) noexcept nogil

# 24 bits of 6.18 fixed point seconds.
cdef inline uint32_t abs_send_time(int64_t now_us) noexcept nogil:
    return <uint32_t>(((<uint64_t>(now_us % 64000000)) << 18) // 1000000) & 0xFFFFFF

# RTP padding (RFC 3550, section 5.1) at the end of a plain packet. Gives the bytes added.
cdef inline int pad_packet(uint8_t *packet, int length, uint8_t padding) noexcept nogil:
    if padding:
        memset(packet + length, 0, padding - 1)
        packet[length + padding - 1] = padding
        packet[0] |= 0x20
    return padding
