"""Picture ids, TL0PICIDX, KEYIDX and frame numbers, continuous over whatever fills a slot.

Owns how far each number is shifted: out = in + delta, and a new source's delta makes its first number follow the newest
one sent. Each is counted in its own size (7 or 15, 8, 5 and 16 bits), and a number that a source does not have waits
for one that has it. Never changes a payload's length, so a source with picture ids of 7 bits keeps them.
"""

from libc.string cimport memset

from sfu.dataplane.wire cimport put16

cdef enum:
    # The bits of PictureMap.started and .pending.
    HAS_PICTURE_ID = 1
    HAS_TL0PICIDX = 2
    HAS_KEYIDX = 4
    HAS_FRAME_NUMBER = 8


cdef void picture_map_init(PictureMap *map) noexcept nogil:
    memset(map, 0, sizeof(PictureMap))


cdef void picture_map_switch(PictureMap *map) noexcept nogil:
    # Only what was ever sent has to go on; a number seen for the first time starts as its source has it.
    map.pending = map.started


# Whether `number` comes after `last` in a space of mask + 1 numbers.
cdef inline bint is_newer(uint16_t number, uint16_t last, uint16_t mask) noexcept nogil:
    cdef uint16_t ahead = (number - last) & mask
    return 0 < ahead <= mask >> 1


cdef void apply_picture_id(PictureMap *map, const PayloadView *view) noexcept nogil:
    cdef uint16_t mask = 0x7FFF if view.picture_id_bits == 15 else 0x7F
    cdef uint16_t out, last_in
    if map.pending & HAS_PICTURE_ID:
        map.picture_id_delta = (map.last_picture_id + 1 - view.picture_id) & 0x7FFF
    elif map.started & HAS_PICTURE_ID and map.last_picture_id_bits < view.picture_id_bits:
        # The sender moves from 7 to 15 bits: go on from what the receiver saw last, which is only the lowest 7 bits of
        # in + delta.
        last_in = map.last_picture_id - map.picture_id_delta
        out = map.last_picture_id + ((view.picture_id - last_in) & 0x7F)
        map.picture_id_delta = (out - view.picture_id) & 0x7FFF
    out = (view.picture_id + map.picture_id_delta) & mask
    if (map.pending & HAS_PICTURE_ID or not map.started & HAS_PICTURE_ID
            or map.last_picture_id_bits != view.picture_id_bits or is_newer(out, map.last_picture_id, mask)):
        map.last_picture_id = out
        map.last_picture_id_bits = view.picture_id_bits


cdef PictureDelta picture_map_apply(PictureMap *map, const PayloadView *view) noexcept nogil:
    cdef PictureDelta delta
    cdef uint8_t present = 0
    cdef uint16_t out
    if view.picture_id_bits:
        present |= HAS_PICTURE_ID
        apply_picture_id(map, view)
    if view.has_tl0picidx:
        present |= HAS_TL0PICIDX
        if map.pending & HAS_TL0PICIDX:
            map.tl0picidx_delta = map.last_tl0picidx + 1 - view.tl0picidx
        out = (view.tl0picidx + map.tl0picidx_delta) & 0xFF
        if not map.started & HAS_TL0PICIDX or is_newer(out, map.last_tl0picidx, 0xFF):
            map.last_tl0picidx = <uint8_t>out
    if view.has_keyidx:
        present |= HAS_KEYIDX
        if map.pending & HAS_KEYIDX:
            map.keyidx_delta = (map.last_keyidx + 1 - view.keyidx) & 0x1F
        out = (view.keyidx + map.keyidx_delta) & 0x1F
        if not map.started & HAS_KEYIDX or is_newer(out, map.last_keyidx, 0x1F):
            map.last_keyidx = <uint8_t>out
    if view.has_frame_number:
        present |= HAS_FRAME_NUMBER
        if map.pending & HAS_FRAME_NUMBER:
            map.frame_number_delta = map.last_frame_number + 1 - view.frame_number
        out = view.frame_number + map.frame_number_delta
        if not map.started & HAS_FRAME_NUMBER or is_newer(out, map.last_frame_number, 0xFFFF):
            map.last_frame_number = out
    map.started |= present
    map.pending &= ~present
    delta.picture_id = map.picture_id_delta
    delta.tl0picidx = map.tl0picidx_delta
    delta.keyidx = map.keyidx_delta
    delta.frame_number = map.frame_number_delta
    return delta


cdef void rewrite_payload(uint8_t *payload, size_t length, const PayloadView *view, PictureDelta delta) noexcept nogil:
    cdef uint16_t picture_id = view.picture_id + delta.picture_id
    cdef uint8_t *at
    if view.picture_id_bits == 15 and <size_t>view.picture_id_offset + 1 < length:
        put16(payload + view.picture_id_offset, picture_id | 0x8000)
    elif view.picture_id_bits == 7 and view.picture_id_offset < length:
        payload[view.picture_id_offset] = picture_id & 0x7F
    if view.has_tl0picidx and view.tl0picidx_offset < length:
        payload[view.tl0picidx_offset] = view.tl0picidx + delta.tl0picidx
    if view.has_keyidx and view.keyidx_offset < length:
        at = payload + view.keyidx_offset
        at[0] = (at[0] & 0xE0) | ((view.keyidx + delta.keyidx) & 0x1F)
