# What forwarding must know of a payload, codec by codec: where a keyframe starts and the numbers that must stay continuous.
from libc.stdint cimport uint8_t, uint16_t

cdef struct PayloadView:
    uint8_t keyframe            # this packet starts a keyframe (H264: its parameter sets and its first slice both say so)
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

# format: a sfu.dataplane.types.Format. Gives 0, or -1 for a payload that contradicts its own format (it is then never taken
# for a keyframe and never rewritten: the view is all zero).
cdef int parse_payload(int format, const uint8_t *payload, size_t length, PayloadView *view) noexcept nogil
# Adds the frame number of a dependency descriptor (the value of that header extension, AV1 RTP specification, appendix A) to a
# view. Call between parse_payload and picture_map_apply where the source carries one; the frame number has to stay continuous too.
cdef void parse_descriptor(const uint8_t *descriptor, size_t length, PayloadView *view) noexcept nogil

# Continuity of picture id, TL0PICIDX and KEYIDX (VP8, VP9) and of the descriptor's frame number across layers and sources of one
# slot. A zeroed map is a fresh one.
cdef struct PictureMap:
    uint8_t started             # bits by field: a number was sent
    uint8_t pending             # bits by field: the next packet that has the number sets a new offset
    uint8_t last_picture_id_bits
    uint16_t last_picture_id    # as sent
    uint8_t last_tl0picidx
    uint8_t last_keyidx
    uint16_t last_frame_number
    uint16_t picture_id_delta
    uint8_t tl0picidx_delta
    uint8_t keyidx_delta
    uint16_t frame_number_delta

# What one packet needs so that a retransmission is munged exactly as the first sending was.
cdef struct PictureDelta:
    uint16_t picture_id
    uint8_t tl0picidx
    uint8_t keyidx
    uint16_t frame_number       # goes into RtpValues.frame_number_delta

cdef void picture_map_init(PictureMap *map) noexcept nogil
cdef void picture_map_switch(PictureMap *map) noexcept nogil   # the source changes with the next packet
cdef PictureDelta picture_map_apply(PictureMap *map, const PayloadView *view) noexcept nogil
# Writes the shifted numbers into a copy of the payload that `view` was parsed from.
cdef void rewrite_payload(uint8_t *payload, size_t length, const PayloadView *view, PictureDelta delta) noexcept nogil
