# What forwarding must know of one packet's payload, whatever its codec. Every offset is inside the payload.
from libc.stdint cimport uint8_t, uint16_t

cdef struct PayloadView:
    uint8_t keyframe            # this packet starts a keyframe (H264: parameter sets and the first slice both do)
    uint8_t frame_start
    uint8_t temporal_id         # 0 where the codec does not say
    uint8_t picture_id_bits     # 0 (absent), 7 or 15
    uint16_t picture_id
    uint8_t has_tl0picidx
    uint8_t tl0picidx
    uint8_t has_keyidx
    uint8_t keyidx
    uint8_t picture_id_offset   # from the payload's start
    uint8_t tl0picidx_offset
    uint8_t keyidx_offset
    uint8_t has_frame_number    # only by parse_descriptor
    uint16_t frame_number
