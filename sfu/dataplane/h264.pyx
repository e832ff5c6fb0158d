"""Where pictures and keyframes of H.264 begin, in single NAL units, STAP-A and FU-A (RFC 6184, sections 5.6 to 5.8).

Owns the NAL unit types that matter to forwarding. Never parses a parameter set, and of a slice reads one bit.
"""

from sfu.dataplane.wire cimport get16

cdef enum:
    NAL_SLICE = 1
    NAL_PARTITION_A = 2
    NAL_IDR = 5
    NAL_SEI = 6
    NAL_SPS = 7
    NAL_DELIMITER = 9
    NAL_LAST_SINGLE = 23
    NAL_STAP_A = 24
    NAL_FU_A = 28


# nal: at least one byte, the header. `type` is given apart as that of a fragment is in another place.
cdef void see_nal(uint8_t type, const uint8_t *body, size_t length, PayloadView *view) noexcept nogil:
    # first_mb_in_slice is 0 where the first bit is set (ue(v)). A later slice of an IDR picture is no start: switching
    # there would begin in the middle of a picture.
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
