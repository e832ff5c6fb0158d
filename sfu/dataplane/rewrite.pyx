"""Writes the packet that a subscriber gets: our header, the extensions that it negotiated, the publisher's payload.

Owns the outgoing header's layout and RTX (RFC 4588), both ways. Writes only inside the capacity that it is given, and
decides that before the first byte. Never changes the source, except to unwrap RTX, and never chooses a number: all
values are arguments.
"""

from libc.string cimport memcpy, memmove, memset

from sfu.dataplane.exact cimport Exact, exact_copy
from sfu.dataplane.packet cimport (
    RTP_HEADER_SIZE,
    ExtensionView,
    check_padding,
    find_extension,
    parse_header,
)
from sfu.dataplane.reasons cimport DROP_NONE, DROP_PADDING_ONLY, DROP_RTP_MALFORMED
from sfu.dataplane.wire cimport get16, put16, put24, put32

cdef enum:
    # sfu.dataplane.types.Extension; a test holds the two together.
    MID = 1
    AUDIO_LEVEL = 4
    ABS_SEND_TIME = 5
    TRANSPORT_CC = 6
    DEPENDENCY_DESCRIPTOR = 7
    VIDEO_ORIENTATION = 8
    PLAYOUT_DELAY = 9

    MAX_ELEMENTS = 7
    MAX_ONE_BYTE_ID = 14                # RFC 8285, section 4.2
    MAX_ONE_BYTE_LENGTH = 16
    RTX_HEADER_SIZE = 2                 # RFC 4588, section 4: the original sequence number
    MAX_PACKET = 0xFFFF

cdef struct Element:
    uint8_t id
    uint8_t length
    const uint8_t *value

cdef struct Elements:
    size_t count
    size_t bytes                        # of all values
    uint8_t two_byte
    uint8_t abs_send_time[3]
    uint8_t transport_number[2]
    Element items[7]


cdef inline void add(Elements *elements, uint8_t id, const uint8_t *value, uint8_t length) noexcept nogil:
    cdef Element *item = &elements.items[elements.count]
    item.id = id
    item.length = length
    item.value = value
    elements.count += 1
    elements.bytes += length
    if length > MAX_ONE_BYTE_LENGTH or id > MAX_ONE_BYTE_ID:
        elements.two_byte = 1


cdef inline void add_copy(Elements *elements, const RtpView *source, uint8_t source_id, uint8_t id,
                          uint8_t shortest, uint8_t longest) noexcept nogil:
    cdef const ExtensionView *found
    if id == 0 or source_id == 0:
        return
    found = find_extension(source, source_id)
    # A value of the wrong length is the publisher's mistake and not for its subscribers to parse.
    if found != NULL and shortest <= found.length <= longest:
        add(elements, id, source.data + found.offset, found.length)


cdef void collect(Elements *elements, const RtpView *source, const ExtensionIds *source_ids, const SlotHeader *slot,
                  const RtpValues *values) noexcept nogil:
    cdef const uint8_t *ids = &slot.extensions.id[0]
    cdef const uint8_t *from_ids = &source_ids.id[0]
    elements.count = 0
    elements.bytes = 0
    elements.two_byte = 0
    if ids[MID] and 0 < slot.mid_length <= sizeof(slot.mid):
        add(elements, ids[MID], slot.mid, slot.mid_length)
    if ids[ABS_SEND_TIME]:
        put24(elements.abs_send_time, values.abs_send_time)
        add(elements, ids[ABS_SEND_TIME], elements.abs_send_time, 3)
    if ids[TRANSPORT_CC]:
        put16(elements.transport_number, values.transport_sequence_number)
        add(elements, ids[TRANSPORT_CC], elements.transport_number, 2)
    add_copy(elements, source, from_ids[AUDIO_LEVEL], ids[AUDIO_LEVEL], 1, 1)
    add_copy(elements, source, from_ids[VIDEO_ORIENTATION], ids[VIDEO_ORIENTATION], 1, 1)
    add_copy(elements, source, from_ids[PLAYOUT_DELAY], ids[PLAYOUT_DELAY], 3, 3)
    add_copy(elements, source, from_ids[DEPENDENCY_DESCRIPTOR], ids[DEPENDENCY_DESCRIPTOR], 3, 255)


# Bytes of the extension block, with its own header of four and padding to 32 bits; 0 without extensions.
cdef inline size_t block_size(const Elements *elements) noexcept nogil:
    if elements.count == 0:
        return 0
    return 4 + ((elements.bytes + elements.count * (1 + elements.two_byte) + 3) & ~<size_t>3)


cdef void write_block(const Elements *elements, uint8_t *out, size_t size, uint8_t descriptor_id,
                      uint16_t frame_delta) noexcept nogil:
    cdef const Element *item
    cdef size_t at = 4
    cdef size_t i
    put16(out, 0x1000 if elements.two_byte else 0xBEDE)
    put16(out + 2, <uint16_t>((size - 4) >> 2))
    for i in range(elements.count):
        item = &elements.items[i]
        if elements.two_byte:
            out[at] = item.id
            out[at + 1] = item.length
            at += 2
        else:
            out[at] = (item.id << 4) | (item.length - 1)
            at += 1
        memcpy(out + at, item.value, item.length)
        # start and end of frame, template id: one byte; then the frame number (AV1 RTP specification, A.8.2).
        if item.id == descriptor_id and frame_delta:
            put16(out + at + 1, get16(out + at + 1) + frame_delta)
        at += item.length
    memset(out + at, 0, size - at)


cdef int write_packet(const RtpView *source, const ExtensionIds *source_ids, const SlotHeader *slot,
                      const RtpValues *values, size_t prefix, uint8_t *out, size_t capacity,
                      uint16_t *payload_offset) noexcept nogil:
    cdef Elements elements
    cdef size_t block, header, length
    collect(&elements, source, source_ids, slot, values)
    block = block_size(&elements)
    header = RTP_HEADER_SIZE + block + prefix
    length = header + source.payload_length
    if length > capacity or length > MAX_PACKET:
        return -1
    out[0] = 0x90 if block else 0x80
    out[1] = ((values.marker & 1) << 7) | (values.payload_type & 0x7F)
    put16(out + 2, values.sequence_number)
    put32(out + 4, values.timestamp)
    put32(out + 8, slot.ssrc)
    if block:
        write_block(&elements, out + RTP_HEADER_SIZE, block, slot.extensions.id[DEPENDENCY_DESCRIPTOR],
                    values.frame_number_delta)
    memcpy(out + header, source.data + source.header_length, source.payload_length)
    payload_offset[0] = <uint16_t>header
    return <int>length


cdef int write_rtp(const RtpView *source, const ExtensionIds *source_ids, const SlotHeader *slot,
                   const RtpValues *values, uint8_t *out, size_t capacity,
                   uint16_t *payload_offset) noexcept nogil:
    return write_packet(source, source_ids, slot, values, 0, out, capacity, payload_offset)


cdef int write_rtx(const RtpView *source, const ExtensionIds *source_ids, const SlotHeader *slot,
                   const RtpValues *values, uint16_t original_sequence_number, uint8_t *out, size_t capacity,
                   uint16_t *payload_offset) noexcept nogil:
    cdef int length = write_packet(source, source_ids, slot, values, RTX_HEADER_SIZE, out, capacity, payload_offset)
    if length > 0:
        put16(out + payload_offset[0] - RTX_HEADER_SIZE, original_sequence_number)
    return length


cdef int unwrap_rtx(RtpView *view, uint32_t media_ssrc, uint8_t media_payload_type) noexcept nogil:
    cdef uint8_t *payload = view.data + view.header_length
    cdef size_t rest
    if view.payload_length == 0:
        return DROP_PADDING_ONLY
    if view.payload_length < RTX_HEADER_SIZE:
        return DROP_RTP_MALFORMED
    view.sequence_number = get16(payload)
    view.payload_type = media_payload_type & 0x7F
    view.ssrc = media_ssrc
    view.data[1] = (view.marker << 7) | view.payload_type
    put16(view.data + 2, view.sequence_number)
    put32(view.data + 8, media_ssrc)
    # The padding moves along: the header still says that it is there.
    rest = <size_t>view.length - view.header_length - RTX_HEADER_SIZE
    memmove(payload, payload + RTX_HEADER_SIZE, rest)
    view.length -= RTX_HEADER_SIZE
    view.payload_length -= RTX_HEADER_SIZE
    return DROP_NONE


# -- the module's Python view, for tests and tools: nothing on the packet path comes below -----------------------------

cdef ExtensionIds ids_of(extensions) except *:
    cdef ExtensionIds ids
    memset(&ids, 0, sizeof(ids))
    for extension, id in extensions.items():
        ids.id[<size_t>(<int>extension & 15)] = id
    return ids


cdef int check(int reason) except -1:
    if reason != DROP_NONE:
        raise ValueError("not an RTP packet")
    return 0


def write(bytes source, source_extensions, extensions, *, uint32_t ssrc, bytes mid=b"", uint8_t payload_type,
          bint marker=False, uint16_t sequence_number, uint32_t timestamp, uint32_t abs_send_time=0,
          uint16_t transport_sequence_number=0, uint16_t frame_number_delta=0, original_sequence_number=None,
          size_t capacity=1500):
    """`(packet, payload_offset)`: a plain source packet as a slot sends it; as RTX with `original_sequence_number`.

    None if it does not fit into `capacity`. The extensions are mappings of `Extension` to id, of the source and of the
    slot. Raises ValueError for a source that does not parse and a MID over 16 bytes.
    """
    cdef RtpView view
    cdef SlotHeader slot
    cdef RtpValues values
    cdef ExtensionIds source_ids = ids_of(source_extensions)
    cdef Exact block = exact_copy(source)
    cdef Exact out = Exact(capacity)
    cdef uint16_t offset = 0
    cdef int length
    if len(mid) > 16:
        raise ValueError("MID over 16 bytes")
    slot.ssrc = ssrc
    slot.mid_length = <uint8_t>len(mid)
    memcpy(slot.mid, <const char *>mid, len(mid))
    slot.extensions = ids_of(extensions)
    values.payload_type = payload_type
    values.marker = marker
    values.sequence_number = sequence_number
    values.timestamp = timestamp
    values.abs_send_time = abs_send_time
    values.transport_sequence_number = transport_sequence_number
    values.frame_number_delta = frame_number_delta
    check(parse_header(block.data, block.length, &view) or check_padding(&view, block.length))
    if original_sequence_number is None:
        length = write_rtp(&view, &source_ids, &slot, &values, out.data, capacity, &offset)
    else:
        length = write_rtx(&view, &source_ids, &slot, &values, original_sequence_number, out.data, capacity, &offset)
    return (out.first(length), offset) if length >= 0 else None


def unwrap(bytes packet, uint32_t media_ssrc, uint8_t media_payload_type):
    """`(reason, packet)`: a plain RTX packet as the media packet it repairs; the packet is None unless reason is 0.

    Raises ValueError for bytes that do not parse as RTP at all.
    """
    cdef RtpView view
    cdef Exact block = exact_copy(packet)
    cdef int reason
    check(parse_header(block.data, block.length, &view) or check_padding(&view, block.length))
    reason = unwrap_rtx(&view, media_ssrc, media_payload_type)
    return reason, (block.first(view.length) if reason == DROP_NONE else None)
