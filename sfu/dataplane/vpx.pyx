"""The payload descriptors of VP8 (RFC 7741, section 4) and VP9 (RFC 9628, section 4.2).

Owns where in a payload the picture id, TL0PICIDX and KEYIDX are, and when a frame begins. Never reads a frame further
than the bit that makes it a keyframe, and never believes a length: a descriptor that runs past its payload is none.
"""

from sfu.dataplane.wire cimport get16


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
