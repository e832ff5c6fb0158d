# Numbers inside payloads that have to stay continuous for a decoder, over all layers and sources of one slot.
from libc.stdint cimport uint8_t, uint16_t

from sfu.dataplane.payload cimport PayloadView

# Picture id, TL0PICIDX and KEYIDX (VP8, VP9), and the frame number of a dependency descriptor (AV1). A zeroed map is a
# fresh one.
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
