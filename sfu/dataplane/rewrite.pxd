# Writes the outgoing packet: a header of our own, extensions as the receiver negotiated them, the payload copied.
from libc.stdint cimport uint8_t, uint16_t, uint32_t
from sfu.dataplane.packet cimport RtpView

# Ids by sfu.dataplane.types.Extension; 0: not negotiated.
cdef struct ExtensionIds:
    uint8_t id[16]

# What does not change between two packets of a slot.
cdef struct SlotHeader:
    uint32_t ssrc
    uint8_t mid_length
    uint8_t mid[16]
    ExtensionIds extensions

cdef struct RtpValues:
    uint8_t payload_type
    uint8_t marker
    uint16_t sequence_number
    uint32_t timestamp
    uint32_t abs_send_time      # 24 bits, 6.18 fixed point seconds
    uint16_t transport_sequence_number
    uint16_t frame_number_delta # PictureDelta.frame_number: added to that of a copied dependency descriptor; else 0

# Copied from the source where both sides negotiated them and their length is right: audio level, video orientation,
# playout delay, dependency descriptor (its frame number shifted). Written anew: MID, abs-send-time, transport-wide
# number. Never copied: RID, repaired RID, CSRCs, padding. Two-byte headers (RFC 8285) only when a value is longer than
# 16 bytes. Gives the length, or -1 if `capacity` is too small. payload_offset: where the copied payload starts in
# `out`.
cdef int write_rtp(const RtpView *source, const ExtensionIds *source_ids, const SlotHeader *slot,
                   const RtpValues *values, uint8_t *out, size_t capacity,
                   uint16_t *payload_offset) noexcept nogil
# The same as RTX (RFC 4588): `slot.ssrc` is the RTX SSRC, the original sequence number goes before the payload
# (payload_offset: after it).
cdef int write_rtx(const RtpView *source, const ExtensionIds *source_ids, const SlotHeader *slot,
                   const RtpValues *values, uint16_t original_sequence_number, uint8_t *out, size_t capacity,
                   uint16_t *payload_offset) noexcept nogil
# Undo RTX of a received packet in place, after check_padding: gives the media packet's view (ssrc, pt, sequence number
# restored in the bytes; `data` stays, `length` is two less). DropReason; DROP_PADDING_ONLY for an RTX packet without a
# payload (a probe).
cdef int unwrap_rtx(RtpView *view, uint32_t media_ssrc, uint8_t media_payload_type) noexcept nogil
