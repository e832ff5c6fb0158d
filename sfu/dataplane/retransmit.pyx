"""Retransmission: a packet that a slot has sent, read from history and written again exactly as it was.

As RTX (RFC 4588) where negotiated. Otherwise plain, and then bit for bit: the same index is protected a second time, and
under AES-GCM two different packets with one index would give the key away. So a slot remembers everything that went into a
header.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memset

from sfu.dataplane.codec cimport rewrite_payload
from sfu.dataplane.forward cimport abs_send_time, pad_packet
from sfu.dataplane.packet cimport RtpView
from sfu.dataplane.packet_index cimport INDEX_AGAIN, INDEX_FIRST
from sfu.dataplane.recall cimport recall
from sfu.dataplane.rewrite cimport ExtensionIds, RtpValues, write_rtp, write_rtx
from sfu.dataplane.sent cimport sent_packet
from sfu.dataplane.srtp cimport SRTP_RESEND_WINDOW
from sfu.dataplane.state cimport (
    DIRECTION_IN,
    EXTENSION_TRANSPORT_CC,
    TRAFFIC_RTX,
    Layer,
    Pending,
    SentRecord,
    SlotFormat,
    Track,
)
from sfu.dataplane.transmit cimport TRANSMIT_PAYLOAD, transmit_ready, transmit_reserve, transmit_rtp

cdef enum:
    MAX_RESENDS = 3         # of one packet (ALGORITHMS 8)
    RESEND_MS = 100         # a repeated NACK within this, or twice the round trip if that is less, is ignored
    RESEND_FLOOR_MS = 5     # however short the round trip


cdef Layer *layer_of(const Slot *slot, uint32_t source) noexcept nogil:
    cdef const Track *track = slot.track
    cdef int index
    if track == NULL:
        return NULL
    for index in range(track.layer_count):
        if track.layers[index].source == source and track.layers[index].bound:
            return track.layers[index]
    return NULL


# The record of what was sent under this number, if it may be sent again now.
cdef SentRecord *find_record(const Core *core, const Slot *slot, uint16_t sequence_number) noexcept nogil:
    cdef SentRecord *record = &slot.sent[sequence_number & slot.sent_mask]
    cdef int64_t spacing_ms = RESEND_MS
    if record.source == 0 or record.sequence_number != sequence_number or record.resends >= MAX_RESENDS:
        return NULL
    if slot.transport.rtt_us > 0:
        spacing_ms = max(min(spacing_ms, 2 * slot.transport.rtt_us // 1000), RESEND_FLOOR_MS)
    if record.resends and <uint32_t>(core.now_us // 1000) - record.resent_ms < spacing_ms:
        return NULL
    return record


cdef void fill_values(Core *core, Slot *slot, const SentRecord *record, const RtpView *view, int as_rtx,
                      RtpValues *values) noexcept nogil:
    cdef const SlotFormat *format = &slot.formats[record.format]
    memset(values, 0, sizeof(RtpValues))
    values.marker = view.marker
    values.timestamp = record.timestamp
    values.frame_number_delta = record.picture.frame_number
    if not as_rtx:
        values.payload_type = format.payload_type
        values.sequence_number = record.sequence_number
        values.abs_send_time = record.abs_send_time
        values.transport_sequence_number = record.transport_sequence_number
        return
    values.payload_type = format.rtx_payload_type
    values.sequence_number = slot.rtx_sequence_number
    slot.rtx_sequence_number += 1
    values.abs_send_time = abs_send_time(core.now_us)
    if slot.header.extensions.id[<int>EXTENSION_TRANSPORT_CC]:
        values.transport_sequence_number = sent_packet(&slot.transport.sent, view.length, core.now_us)


cdef int resend(Core *core, Slot *slot, uint16_t sequence_number) noexcept nogil:
    cdef SentRecord *record = find_record(core, slot, sequence_number)
    cdef Layer *layer = layer_of(slot, record.source) if record != NULL else NULL
    cdef Pending packet
    cdef RtpValues values
    cdef const ExtensionIds *source_ids
    cdef uint8_t *out
    cdef uint16_t offset = 0
    cdef int length, as_rtx, status
    if layer == NULL or not recall(core, layer, record.source_sequence_number, &packet):
        return 0
    as_rtx = slot.formats[record.format].rtx_payload_type != 255 and slot.rtx_header.ssrc != 0
    if not as_rtx and <uint16_t>(<uint16_t>slot.sequence.highest_out - sequence_number) >= SRTP_RESEND_WINDOW:
        return 0
    out = transmit_reserve(core)
    if out == NULL:
        return 0
    source_ids = &layer.track.transport.receive.extensions
    fill_values(core, slot, record, &packet.view, as_rtx, &values)
    if as_rtx:
        length = write_rtx(&packet.view, source_ids, &slot.rtx_header, &values, sequence_number, out, TRANSMIT_PAYLOAD, &offset)
    else:
        length = write_rtp(&packet.view, source_ids, &slot.header, &values, out, TRANSMIT_PAYLOAD, &offset)
    if length < 0:
        return 0
    if packet.payload_known:
        rewrite_payload(out + offset, <size_t>(length - offset), &packet.payload, record.picture)
    if not as_rtx:
        length += pad_packet(out, length, record.padding)
    record.resends += 1
    record.resent_ms = <uint32_t>(core.now_us // 1000)
    if as_rtx:
        status = transmit_rtp(core, slot.transport, &slot.rtx_index, INDEX_FIRST, out, length, TRAFFIC_RTX, 0)
    else:
        status = transmit_rtp(core, slot.transport, &slot.index, INDEX_AGAIN, out, length, slot.kind, 0)
    if status != 0:
        return 0
    slot.retransmissions += 1
    core.counters.retransmissions += 1
    return 1


cdef int retransmit_pair(Core *core, Slot *slot, uint16_t pid, uint16_t blp) noexcept nogil:
    cdef int sent = 0
    cdef uint32_t bits = (<uint32_t>blp << 1) | 1
    if not transmit_ready(slot.transport):
        return 0
    while bits:
        if bits & 1:
            slot.nacks_received += 1
            core.counters.nacks[<int>DIRECTION_IN] += 1
            sent += resend(core, slot, pid)
        bits >>= 1
        pid += 1
    return sent
