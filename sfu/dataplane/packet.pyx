"""One RTP packet as a view of its bytes (RFC 3550, section 5; header extensions RFC 8285).

Owns every length check of an RTP header: an offset in a view lies inside the datagram, so nobody checks it again. Never
copies, never allocates, never looks into a payload, and never reads what SRTP encrypts before it is told the plain
length.
"""

from sfu.dataplane.exact cimport Exact, exact_copy
from sfu.dataplane.reasons cimport (
    DROP_NONE,
    DROP_RTP_EXTENSION,
    DROP_RTP_MALFORMED,
    DROP_RTP_PADDING,
    DROP_TOO_LARGE,
)
from sfu.dataplane.wire cimport get16, get32

cdef enum:
    ONE_BYTE_PROFILE = 0xBEDE           # RFC 8285, section 4.2
    TWO_BYTE_PROFILE = 0x1000           # RFC 8285, section 4.3; its lowest four bits are "appbits"
    ONE_BYTE_STOP = 15                  # the reserved identifier that ends a one-byte block


cdef inline void add_extension(RtpView *view, uint8_t id, size_t offset, uint8_t length) noexcept nogil:
    # More elements than we keep are ignored, not refused: we know fewer than 16 kinds.
    if view.extension_count < MAX_EXTENSIONS:
        view.extensions[view.extension_count].id = id
        view.extensions[view.extension_count].length = length
        view.extensions[view.extension_count].offset = <uint16_t>offset
        view.extension_count += 1


cdef int parse_one_byte(RtpView *view, size_t at, size_t end) noexcept nogil:
    cdef uint8_t head, id, length
    while at < end:
        head = view.data[at]
        at += 1
        if head == 0:
            continue
        id = head >> 4
        # Both end the block by RFC 8285, section 4.2; what came before them counts.
        if id == ONE_BYTE_STOP or id == 0:
            return DROP_NONE
        length = (head & 0x0F) + 1
        if length > end - at:
            return DROP_RTP_EXTENSION
        add_extension(view, id, at, length)
        at += length
    return DROP_NONE


cdef int parse_two_byte(RtpView *view, size_t at, size_t end) noexcept nogil:
    cdef uint8_t id, length
    while at < end:
        id = view.data[at]
        at += 1
        if id == 0:
            continue
        if at == end:
            return DROP_RTP_EXTENSION
        length = view.data[at]
        at += 1
        if length > end - at:
            return DROP_RTP_EXTENSION
        add_extension(view, id, at, length)
        at += length
    return DROP_NONE


cdef int parse_extensions(RtpView *view, size_t at) noexcept nogil:
    cdef uint16_t profile
    cdef size_t end
    if view.length - at < 4:
        return DROP_RTP_EXTENSION
    profile = get16(view.data + at)
    end = at + 4 + 4 * <size_t>get16(view.data + at + 2)
    if end > view.length:
        return DROP_RTP_EXTENSION
    view.header_length = <uint16_t>end
    if profile == ONE_BYTE_PROFILE:
        return parse_one_byte(view, at + 4, end)
    if profile & 0xFFF0 == TWO_BYTE_PROFILE:
        return parse_two_byte(view, at + 4, end)
    # A profile of somebody else's: skipped as a whole (RFC 3550, section 5.3.1).
    return DROP_NONE


cdef int parse_header(uint8_t *data, size_t length, RtpView *view) noexcept nogil:
    cdef size_t at
    cdef int reason
    if length > 0xFFFF:
        return DROP_TOO_LARGE
    if length < RTP_HEADER_SIZE or data[0] >> 6 != 2:
        return DROP_RTP_MALFORMED
    at = RTP_HEADER_SIZE + 4 * <size_t>(data[0] & 0x0F)
    if at > length:
        return DROP_RTP_MALFORMED
    view.data = data
    view.length = <uint16_t>length
    view.header_length = <uint16_t>at
    view.has_padding = (data[0] >> 5) & 1
    view.padding_length = 0
    view.marker = data[1] >> 7
    view.payload_type = data[1] & 0x7F
    view.sequence_number = get16(data + 2)
    view.timestamp = get32(data + 4)
    view.ssrc = get32(data + 8)
    view.extension_count = 0
    if data[0] & 0x10:
        reason = parse_extensions(view, at)
        if reason != DROP_NONE:
            return reason
    view.payload_length = view.length - view.header_length
    return DROP_NONE


cdef int check_padding(RtpView *view, size_t length) noexcept nogil:
    cdef size_t room
    cdef uint8_t padding = 0
    # The plain packet is never longer than the protected one that the header was read from.
    if length < view.header_length or length > view.length:
        return DROP_RTP_MALFORMED
    room = length - view.header_length
    if view.has_padding:
        if room == 0:
            return DROP_RTP_PADDING
        # The count includes itself, so it is at least 1 (RFC 3550, section 5.1).
        padding = view.data[length - 1]
        if padding == 0 or padding > room:
            return DROP_RTP_PADDING
    view.length = <uint16_t>length
    view.padding_length = padding
    view.payload_length = <uint16_t>(room - padding)
    return DROP_NONE


cdef const ExtensionView *find_extension(const RtpView *view, uint8_t id) noexcept nogil:
    cdef size_t i
    for i in range(view.extension_count):
        if view.extensions[i].id == id:
            return &view.extensions[i]
    return NULL


# -- the module's Python view, for tests and tools: nothing on the packet path comes below -----------------------------

cdef dict as_dict(const RtpView *view):
    return {
        "payload_type": view.payload_type,
        "marker": bool(view.marker),
        "sequence_number": view.sequence_number,
        "timestamp": view.timestamp,
        "ssrc": view.ssrc,
        "header_length": view.header_length,
        "padding_length": view.padding_length,
        "payload": (<const char *>view.data)[view.header_length : view.header_length + view.payload_length],
        "extensions": [
            (
                view.extensions[i].id,
                (<const char *>view.data)[
                    view.extensions[i].offset : view.extensions[i].offset + view.extensions[i].length
                ],
            )
            for i in range(view.extension_count)
        ],
    }


def parse(bytes data, plain_length=None):
    """`(reason, fields)` of a packet: reason is a `DropReason`, fields is None unless it is 0 (`DROP_NONE`).

    `plain_length` is what unprotecting would have left; without it the packet is taken for plain.
    """
    cdef RtpView view
    cdef Exact block = exact_copy(data)
    cdef int reason = parse_header(block.data, block.length, &view)
    if reason == DROP_NONE:
        reason = check_padding(&view, block.length if plain_length is None else plain_length)
    return reason, (as_dict(&view) if reason == DROP_NONE else None)
