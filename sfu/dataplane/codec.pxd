# What forwarding must know of a payload, codec by codec: where a keyframe starts and the numbers that must stay continuous.
from libc.stdint cimport uint8_t, uint16_t, int16_t, int32_t

cdef struct PayloadView:
    uint8_t keyframe            # this packet starts a keyframe
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

# format: a sfu.dataplane.types.Format. Gives 0, or -1 for a payload that contradicts its own format (it is then never taken
# for a keyframe and never rewritten). dependency descriptor: the raw extension (NULL, 0 when absent), helps AV1.
cdef int parse_payload(int format, const uint8_t *payload, size_t length, PayloadView *view) noexcept nogil

# Continuity of VP8's (and VP9's) picture id, TL0PICIDX and KEYIDX across layers and sources of one slot.
cdef struct PictureMap:
    uint8_t started
    uint8_t pending             # the next mapped packet sets new offsets
    uint16_t last_picture_id    # as sent
    uint8_t last_tl0picidx
    uint8_t last_keyidx
    uint16_t picture_id_delta
    uint8_t tl0picidx_delta
    uint8_t keyidx_delta

# What one packet needs so that a retransmission is munged exactly as the first sending was.
cdef struct PictureDelta:
    uint16_t picture_id
    uint8_t tl0picidx
    uint8_t keyidx

cdef void picture_map_init(PictureMap *map) noexcept nogil
cdef void picture_map_switch(PictureMap *map) noexcept nogil   # the source changes with the next packet
cdef PictureDelta picture_map_apply(PictureMap *map, const PayloadView *view) noexcept nogil
# Writes the shifted numbers into a copy of the payload that `view` was parsed from.
cdef void rewrite_payload(uint8_t *payload, size_t length, const PayloadView *view, PictureDelta delta) noexcept nogil
