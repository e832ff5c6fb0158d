"""Streams of slots that ended: where their numbers go on if they come back.

Owns `Transport.ended`. An SSRC that is sent again under the same key never begins at an index that it has used. The list is bounded;
0 stands for no SSRC, and one that sent nothing has nothing to be remembered.
"""

from libc.string cimport memmove

from sfu.dataplane.packet_index cimport index_resume
from sfu.dataplane.state cimport MAX_ENDED, EndedStream

cdef extern from "<arpa/inet.h>" nogil:
    uint32_t htonl(uint32_t value)

cdef enum:
    RESUME_GAP = 16         # numbers left out when a slot comes back with its SSRC


cdef uint16_t begin_stream(Transport *transport, uint32_t ssrc, uint16_t first, PacketIndex *index) noexcept nogil:
    cdef int place
    for place in range(transport.ended_count):
        if transport.ended[place].ssrc == ssrc:
            index_resume(index, transport.ended[place].index)
            transport.ended_count -= 1
            transport.ended[place] = transport.ended[transport.ended_count]
            return <uint16_t>(index.highest + RESUME_GAP)
    return first


cdef void end_stream(Core *core, Transport *transport, uint32_t ssrc, const PacketIndex *index) noexcept nogil:
    cdef EndedStream *ended
    if ssrc == 0 or index.highest == 0:
        return
    if transport.ended_count == MAX_ENDED:
        # The oldest is forgotten by libsrtp too. Its SSRC must never come back under this key; negotiation makes new ones.
        if transport.srtp_send != NULL:
            core.srtp.remove_stream(transport.srtp_send, htonl(transport.ended[0].ssrc))
        transport.ended_count -= 1
        memmove(&transport.ended[0], &transport.ended[1], transport.ended_count * sizeof(EndedStream))
    ended = &transport.ended[transport.ended_count]
    transport.ended_count += 1
    ended.ssrc = ssrc
    ended.index = index.highest
