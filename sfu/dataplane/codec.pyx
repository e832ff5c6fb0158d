"""What a payload says about its frame, codec by codec, and the numbers in it that have to stay continuous.

Owns the parsing of the payload descriptors of VP8 (RFC 7741), VP9 (RFC 9628), H.264 (RFC 6184) and AV1 (AOMedia's RTP
specification, 1.0), and the rewriting of picture id, TL0PICIDX and KEYIDX. Every offset in a view is inside the payload. Never decodes,
never changes the length of a payload, and trusts nothing: what contradicts its own format is forwarded as it is, by the caller,
but never starts a keyframe.
"""

from libc.stdint cimport uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from sfu.dataplane.wire cimport get16, put16

cdef enum:
    # sfu.dataplane.types.Format; a test holds the two together.
    OPUS = 1
    VP8 = 2
    VP9_PROFILE_0 = 3
    VP9_PROFILE_2 = 4
    H264_FIRST = 5
    H264_LAST = 9
    AV1 = 10

    NAL_SLICE = 1
    NAL_PARTITION_A = 2
    NAL_IDR = 5
    NAL_SEI = 6
    NAL_SPS = 7
    NAL_DELIMITER = 9
    NAL_LAST_SINGLE = 23
    NAL_STAP_A = 24
    NAL_FU_A = 28

    OBU_TILE_GROUP = 4
    OBU_TILE_LIST = 8

    LEB128_MAX_BYTES = 8                # AV1 specification, 4.10.5
    DESCRIPTOR_MIN_BYTES = 3            # the mandatory fields of a dependency descriptor

    HAS_PICTURE_ID = 1
    HAS_TL0PICIDX = 2
    HAS_KEYIDX = 4
    HAS_FRAME_NUMBER = 8


# -- VP8 and VP9 ----------------------------------------------------------------------------------------------------------------

# The picture id at *at, of 7 or 15 bits by its first bit; moves *at past it.
cdef int parse_picture_id(const uint8_t *payload, size_t length, size_t *at, PayloadView *view) noexcept nogil:
    cdef size_t size
    if at[0] >= length:
        return -1
    size = 2 if payload[at[0]] & 0x80 else 1
    if size > length - at[0]:
        return -1
    view.picture_id_offset = <uint8_t>at[0]
    view.picture_id_bits = 15 if size == 2 else 7
    view.picture_id = get16(payload + at[0]) & 0x7FFF if size == 2 else payload[at[0]]
    at[0] += size
    return 0


cdef int parse_tl0picidx(const uint8_t *payload, size_t length, size_t *at, PayloadView *view) noexcept nogil:
    if at[0] >= length:
        return -1
    view.has_tl0picidx = 1
    view.tl0picidx_offset = <uint8_t>at[0]
    view.tl0picidx = payload[at[0]]
    at[0] += 1
    return 0


cdef int parse_vp8(const uint8_t *payload, size_t length, PayloadView *view) noexcept nogil:
    cdef size_t at = 1
    cdef uint8_t flags = 0
    if payload[0] & 0x80:
        if length < 2:
            return -1
        flags = payload[1]
        at = 2
    if flags & 0x80 and parse_picture_id(payload, length, &at, view) < 0:
        return -1
    if flags & 0x40 and parse_tl0picidx(payload, length, &at, view) < 0:
        return -1
    if flags & 0x30:
        if at >= length:
            return -1
        if flags & 0x20:
            view.temporal_id = payload[at] >> 6
        if flags & 0x10:
            view.has_keyidx = 1
            view.keyidx_offset = <uint8_t>at
            view.keyidx = payload[at] & 0x1F
        at += 1
    if at >= length:
        return -1
    # S and partition 0: the frame's own header follows, and its lowest bit is 0 for a keyframe (RFC 7741, section 4.3).
    view.frame_start = (payload[0] & 0x17) == 0x10
    view.keyframe = view.frame_start and not payload[at] & 1
    return 0


# Moves *at past the scalability structure (RFC 9628, section 4.2.1).
cdef int skip_vp9_structure(const uint8_t *payload, size_t length, size_t *at) noexcept nogil:
    cdef uint8_t head, pictures
    if at[0] >= length:
        return -1
    head = payload[at[0]]
    at[0] += 1
    if head & 0x10:
        at[0] += 4 * (<size_t>(head >> 5) + 1)
    if head & 0x08:
        if at[0] >= length:
            return -1
        pictures = payload[at[0]]
        at[0] += 1
        while pictures:
            if at[0] >= length:
                return -1
            at[0] += 1 + ((payload[at[0]] >> 2) & 3)
            pictures -= 1
    return 0


# Moves *at past the one to three reference indices of a flexible-mode frame.
cdef int skip_vp9_references(const uint8_t *payload, size_t length, size_t *at) noexcept nogil:
    cdef int i
    for i in range(3):
        if at[0] >= length:
            return -1
        at[0] += 1
        if not payload[at[0] - 1] & 1:
            return 0
    return -1


cdef int parse_vp9(const uint8_t *payload, size_t length, PayloadView *view) noexcept nogil:
    cdef uint8_t flags = payload[0]
    cdef uint8_t spatial_id = 0
    cdef size_t at = 1
    cdef bint flexible = flags & 0x10 != 0
    if flags & 0x80:
        if parse_picture_id(payload, length, &at, view) < 0:
            return -1
    elif flexible:
        return -1
    if flags & 0x20:
        if at >= length:
            return -1
        view.temporal_id = payload[at] >> 5
        spatial_id = (payload[at] >> 1) & 7
        at += 1
        if not flexible and parse_tl0picidx(payload, length, &at, view) < 0:
            return -1
    if flexible and flags & 0x40 and skip_vp9_references(payload, length, &at) < 0:
        return -1
    if flags & 0x02 and skip_vp9_structure(payload, length, &at) < 0:
        return -1
    if at >= length:
        return -1
    view.frame_start = (flags & 0x08) != 0
    # Not predicted from another picture, and the lowest spatial layer: nothing before it is needed.
    view.keyframe = view.frame_start and not flags & 0x40 and spatial_id == 0
    return 0


# -- H.264 ----------------------------------------------------------------------------------------------------------------------

# nal: at least one byte, the header. `type` is given apart as that of a fragment is in another place.
cdef void see_nal(uint8_t type, const uint8_t *body, size_t length, PayloadView *view) noexcept nogil:
    # first_mb_in_slice is 0 where the first bit is set (ue(v)). A later slice of an IDR picture is no start: switching there would
    # begin in the middle of a picture.
    cdef bint first_slice = length > 0 and body[0] & 0x80 != 0
    if type == NAL_SPS or (type == NAL_IDR and first_slice):
        view.keyframe = 1
    if NAL_SEI <= type <= NAL_DELIMITER or (type in (NAL_SLICE, NAL_PARTITION_A, NAL_IDR) and first_slice):
        view.frame_start = 1


cdef int parse_stap_a(const uint8_t *payload, size_t length, PayloadView *view) noexcept nogil:
    cdef size_t at = 1
    cdef size_t size
    if length < 2:
        return -1
    while at < length:
        if length - at < 2:
            return -1
        size = get16(payload + at)
        at += 2
        if size == 0 or size > length - at:
            return -1
        see_nal(payload[at] & 0x1F, payload + at + 1, size - 1, view)
        at += size
    return 0


cdef int parse_h264(const uint8_t *payload, size_t length, PayloadView *view) noexcept nogil:
    cdef uint8_t type = payload[0] & 0x1F
    if 1 <= type <= NAL_LAST_SINGLE:
        see_nal(type, payload + 1, length - 1, view)
        return 0
    # Both are foreign to packetization-mode 0, but no receiver minds, and some senders use them there.
    if type == NAL_STAP_A:
        return parse_stap_a(payload, length, view)
    if type == NAL_FU_A:
        # Start and end in one fragment are forbidden (RFC 6184, section 5.8), a fragment without bytes is none.
        if length < 3 or payload[1] & 0xC0 == 0xC0:
            return -1
        if payload[1] & 0x80:
            see_nal(payload[1] & 0x1F, payload + 2, length - 2, view)
        return 0
    return -1


# -- AV1 ------------------------------------------------------------------------------------------------------------------------

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


# -- the door -------------------------------------------------------------------------------------------------------------------

cdef int parse_payload(int format, const uint8_t *payload, size_t length, PayloadView *view) noexcept nogil:
    cdef int result = -1
    memset(view, 0, sizeof(PayloadView))
    if length == 0:
        return -1
    if format == OPUS:
        return 0
    if format == VP8:
        result = parse_vp8(payload, length, view)
    elif format == VP9_PROFILE_0 or format == VP9_PROFILE_2:
        result = parse_vp9(payload, length, view)
    elif H264_FIRST <= format <= H264_LAST:
        result = parse_h264(payload, length, view)
    elif format == AV1:
        result = parse_av1(payload, length, view)
    if result < 0:
        memset(view, 0, sizeof(PayloadView))
    return result


cdef void parse_descriptor(const uint8_t *descriptor, size_t length, PayloadView *view) noexcept nogil:
    if length < DESCRIPTOR_MIN_BYTES:
        return
    view.has_frame_number = 1
    view.frame_number = get16(descriptor + 1)


# -- continuity -----------------------------------------------------------------------------------------------------------------

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
        # The sender moves from 7 to 15 bits: go on from what the receiver saw last, which is only the lowest 7 bits of in + delta.
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


# -- the module's Python view, for tests and tools: nothing on the packet path comes below --------------------------------------

def parse(int format, bytes payload, bytes descriptor=None):
    """The payload's `PayloadView` as a dict, or None for one that contradicts its own format.

    Parsed in a block of exactly the payload's size, so that AddressSanitizer sees any read outside of it.
    """
    cdef PayloadView view
    cdef uint8_t *block = <uint8_t *>malloc(len(payload))
    cdef int result
    if block == NULL:
        raise MemoryError
    memcpy(block, <const char *>payload, len(payload))
    result = parse_payload(format, block, len(payload), &view)
    free(block)
    if descriptor is not None:
        parse_descriptor(<const uint8_t *><const char *>descriptor, len(descriptor), &view)
    return view if result == 0 else None


cdef class Pictures:
    """A `PictureMap`. `forward` gives a payload as it is sent, and the delta with which `again` does the same once more."""

    cdef PictureMap inner

    def __init__(self):
        picture_map_init(&self.inner)

    def switch(self):
        picture_map_switch(&self.inner)

    def forward(self, int format, bytes payload, bytes descriptor=None):
        cdef PayloadView view
        cdef PictureDelta delta
        parse_payload(format, <const uint8_t *><const char *>payload, len(payload), &view)
        if descriptor is not None:
            parse_descriptor(<const uint8_t *><const char *>descriptor, len(descriptor), &view)
        delta = picture_map_apply(&self.inner, &view)
        return again(format, payload, delta), delta


def again(int format, bytes payload, PictureDelta delta):
    """The payload rewritten with a delta (a dict) that `Pictures.forward` gave."""
    cdef PayloadView view
    cdef size_t length = len(payload)
    cdef uint8_t *block = <uint8_t *>malloc(length)
    if block == NULL:
        raise MemoryError
    try:
        memcpy(block, <const char *>payload, length)
        parse_payload(format, block, length, &view)
        rewrite_payload(block, length, &view, delta)
        return (<const char *>block)[:length]
    finally:
        free(block)
