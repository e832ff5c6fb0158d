"""Where frames and coded video sequences of AV1 begin (AOMedia's RTP payload specification 1.0).

Owns the reading of the aggregation header, of the first OBU's header, and of the frame number in a dependency
descriptor. Never reads further into a descriptor: its templates are the decoder's.
"""

from libc.stdint cimport uint64_t

from sfu.dataplane.wire cimport get16

cdef enum:
    OBU_TILE_GROUP = 4
    OBU_TILE_LIST = 8

    LEB128_MAX_BYTES = 8                # AV1 specification, 4.10.5
    DESCRIPTOR_MIN_BYTES = 3            # its mandatory fields: flags and template id, frame number


# The number at *at (AV1 specification, 4.10.5), moving *at past it; -1 if it does not end in time.
cdef int parse_leb128(const uint8_t *payload, size_t length, size_t *at, uint64_t *value) noexcept nogil:
    cdef int i
    value[0] = 0
    for i in range(LEB128_MAX_BYTES):
        if at[0] >= length:
            return -1
        value[0] |= <uint64_t>(payload[at[0]] & 0x7F) << (7 * i)
        at[0] += 1
        if not payload[at[0] - 1] & 0x80:
            return 0
    return -1


cdef int parse_av1(const uint8_t *payload, size_t length, PayloadView *view) noexcept nogil:
    cdef uint8_t aggregation = payload[0]
    cdef uint8_t elements = (aggregation >> 4) & 3
    cdef bint continues = aggregation & 0x80 != 0
    cdef bint new_sequence = aggregation & 0x08 != 0
    cdef size_t at = 1
    cdef uint64_t size
    cdef uint8_t header, type
    if continues and new_sequence:
        return -1
    # Only the last of a counted number of elements goes without its size.
    if elements == 1:
        size = length - at
    elif parse_leb128(payload, length, &at, &size) < 0:
        return -1
    if size == 0 or size > length - at:
        return -1
    if continues:
        return 0
    header = payload[at]
    type = (header >> 3) & 15
    if header & 0x80:
        return -1
    if header & 0x04:
        if size < 2:
            return -1
        view.temporal_id = payload[at + 1] >> 5
    # A frame may take several packets; of those that begin with a whole OBU, all but its first begin with tiles.
    view.frame_start = type not in (OBU_TILE_GROUP, OBU_TILE_LIST)
    view.keyframe = new_sequence
    return 0


cdef void parse_descriptor(const uint8_t *descriptor, size_t length, PayloadView *view) noexcept nogil:
    if length < DESCRIPTOR_MIN_BYTES:
        return
    view.has_frame_number = 1
    view.frame_number = get16(descriptor + 1)
