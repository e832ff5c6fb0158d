"""Forwarding: the switch of a slot from one source to another, and the way of one packet into one slot.

Owns what a slot sends: `current`, the maps and the record of what was sent. Packets of a layer wait in `Core.pending` until
the datagrams at hand have all been read; then each slot gets all of them in a row, which keeps its state and its SRTP
session in the cache and lets the kernel take equal packets to one destination as one. Nothing is allocated here and nobody
is waited for.
"""

from libc.stdint cimport uint16_t
from libc.string cimport memset

from sfu.dataplane.atomics cimport prefetch
from sfu.dataplane.choice cimport slot_flows
from sfu.dataplane.clock cimport clock_timestamp
from sfu.dataplane.codec cimport picture_map_apply, picture_map_switch, rewrite_payload
from sfu.dataplane.control cimport TICK_US, pull_deadline
from sfu.dataplane.keyframes cimport keyframe_request
from sfu.dataplane.packet_index cimport INDEX_FIRST
from sfu.dataplane.reasons cimport (
    DROP_FORMAT_NOT_NEGOTIATED,
    DROP_NO_KEYFRAME,
    DROP_TOO_LARGE,
    DROP_TOO_OLD,
)
from sfu.dataplane.rewrite cimport RtpValues, write_rtp
from sfu.dataplane.sent cimport sent_init, sent_packet
from sfu.dataplane.seqmap cimport (
    SEQMAP_FORWARD,
    TIMESTAMP_OK,
    seqmap_drop,
    seqmap_jumps,
    seqmap_map,
    seqmap_switch,
    timestamp_map,
    timestamp_switch,
)
from sfu.dataplane.srtp cimport SRTP_RESEND_WINDOW
from sfu.dataplane.state cimport (
    EXTENSION_TRANSPORT_CC,
    KIND_VIDEO,
    MAX_PENDING,
    NONE16,
    SLOTS_AHEAD,
    SentRecord,
    SlotFormat,
    Transport,
)
from sfu.dataplane.transmit cimport TRANSMIT_PAYLOAD, transmit_ready, transmit_reserve, transmit_rtp

cdef enum:
    MAX_REFUSALS = 1        # keyframes dropped in a row for a timestamp that goes back; the next one is taken by arrival time
    CACHE_LINE = 64
    HOT_LINES = 6           # of a Slot: what every packet needs
    LEVEL_BYTES = 4         # of padding, at the most
    FIRST_REPORT_US = 100000    # from a new source to the slot's sender report


# -- waiting for the batch's end ------------------------------------------------------------------------------------------------

cdef Pending *pending_reserve(Core *core) noexcept nogil:
    if core.pending_count == MAX_PENDING:
        forward_pending(core)
    return &core.pending[core.pending_count]


cdef void pending_commit(Core *core, Layer *layer, Pending *packet) noexcept nogil:
    cdef uint16_t place = core.pending_count
    packet.next = NONE16
    core.pending_count += 1
    if layer.dirty:
        core.pending[layer.pending_last].next = place
    else:
        layer.dirty = 1
        layer.pending_first = place
        layer.next_dirty = core.dirty
        core.dirty = layer
    layer.pending_last = place


# Encoders cut a frame into packets that differ by a byte or two. A few bytes of padding make a run of one size of them, which the
# kernel takes as one message; only the last of a run may be shorter by itself.
cdef void level_sizes(Core *core, const Layer *layer) noexcept nogil:
    cdef uint16_t longest = 0, place = layer.pending_first
    cdef Pending *packet
    cdef uint16_t missing
    while place != NONE16:
        longest = max(longest, core.pending[place].view.payload_length)
        place = core.pending[place].next
    place = layer.pending_first
    while place != NONE16:
        packet = &core.pending[place]
        place = packet.next
        missing = longest - packet.view.payload_length
        packet.padding = <uint8_t>missing if place != NONE16 and missing <= LEVEL_BYTES and not packet.padding_only else 0


# Hundreds of subscribers do not stay in the cache from one packet to the next. So while one is served, the state of one some
# way ahead comes in, what the second's state points to, and the SRTP session of the next.
cdef inline void warm_slot(const Slot *slot) noexcept nogil:
    cdef int line
    for line in range(HOT_LINES):
        prefetch(<const uint8_t *>slot + line * CACHE_LINE)


cdef inline void warm_targets(const Slot *slot) noexcept nogil:
    prefetch(slot.transport)
    prefetch(<const uint8_t *>slot.transport + CACHE_LINE)
    if slot.header.extensions.id[<int>EXTENSION_TRANSPORT_CC]:
        prefetch(&slot.transport.sent)
    prefetch(&slot.sent[(slot.sequence.highest_out + 1) & slot.sent_mask])


cdef inline void warm_session(const Transport *transport) noexcept nogil:
    prefetch(transport.gcm_send.context if transport.gcm_send.context != NULL else transport.srtp_send)


# What comes first has nobody before it: it is fetched while the packet is decrypted.
cdef void forward_soon(const Track *track) noexcept nogil:
    cdef int place
    for place in range(SLOTS_AHEAD):
        if track.first[place] != NULL:
            warm_slot(track.first[place])


cdef inline Slot *next_slot(const Slot *slot) noexcept nogil:
    return slot.next_of_track if slot != NULL else NULL


cdef void forward_layer(Core *core, Layer *layer) noexcept nogil:
    cdef Slot *slot = layer.track.slots
    cdef Slot *second = next_slot(slot)
    cdef Slot *third = next_slot(second)
    cdef uint16_t place
    level_sizes(core, layer)
    if slot != NULL:
        warm_targets(slot)
        warm_session(slot.transport)
    if second != NULL:
        warm_targets(second)
    while slot != NULL:
        warm_slot(slot.ahead)
        if third != NULL:
            warm_targets(third)
        if second != NULL:
            warm_session(second.transport)
        if (slot.current is layer or slot.target is layer) and transmit_ready(slot.transport):
            place = layer.pending_first
            while place != NONE16:
                forward_packet(core, slot, layer, &core.pending[place])
                place = core.pending[place].next
        slot = second
        second = third
        third = next_slot(third)


cdef void forward_pending(Core *core) noexcept nogil:
    cdef Layer *layer
    while core.dirty != NULL:
        layer = core.dirty
        core.dirty = layer.next_dirty
        forward_layer(core, layer)
        layer.dirty = 0
    core.pending_count = 0


# -- changing the source --------------------------------------------------------------------------------------------------------

cdef void slot_silence(Slot *slot) noexcept nogil:
    slot.current = NULL
    slot.target = NULL
    slot.current_source = 0
    slot.keyframe_asked_us = 0


# Where the new layer's timestamp falls on the time line that the slot shows now; 0 if the clocks do not say.
cdef int aligned_timestamp(const Core *core, const Slot *slot, const Layer *layer, uint32_t timestamp,
                           uint32_t *aligned) noexcept nogil:
    cdef int64_t unix_us = core.now_us + core.ntp_offset_us
    cdef uint32_t shown, sending
    if not slot_flows(slot) or not slot.current.clock.known or not layer.clock.known:
        return 0
    shown = clock_timestamp(&slot.current.clock, unix_us, slot.current.track.transport.clock_offset_us) + slot.timestamps.offset
    sending = clock_timestamp(&layer.clock, unix_us, layer.track.transport.clock_offset_us)
    aligned[0] = shown + timestamp - sending
    return 1


# A hole of one or two numbers tells a video decoder that the old source's frame is not complete (ALGORITHMS 3).
cdef void begin_numbers(Slot *slot, uint16_t next_in) noexcept nogil:
    seqmap_switch(&slot.sequence, next_in, 0 if slot.kind != KIND_VIDEO else 1 if slot.last_marker else 2)


# 1 if this packet starts the slot's new source.
cdef int switch_source(Core *core, Slot *slot, Layer *layer, const Pending *packet) noexcept nogil:
    cdef uint32_t aligned = 0
    cdef int known
    if packet.padding_only or slot.formats[packet.format].payload_type == 255:
        core.counters.dropped[<int>DROP_FORMAT_NOT_NEGOTIATED] += not packet.padding_only
        return 0
    if slot.kind == KIND_VIDEO and not packet.payload.keyframe:
        core.counters.dropped[<int>DROP_NO_KEYFRAME] += not slot_flows(slot)
        return 0
    known = slot.refusals < MAX_REFUSALS + 1 and aligned_timestamp(core, slot, layer, packet.view.timestamp, &aligned)
    if timestamp_switch(&slot.timestamps, packet.view.timestamp, core.now_us, known, aligned) != TIMESTAMP_OK:
        slot.refusals += 1
        keyframe_request(core, layer)
        return 0
    begin_numbers(slot, packet.view.sequence_number)
    picture_map_switch(&slot.pictures)
    if slot.current != NULL:
        slot.layer_switches += 1
        core.counters.layer_switches += 1
    slot.current = layer
    slot.current_source = layer.source
    slot.refusals = 0
    slot.keyframe_asked_us = 0
    # Players cannot align sound and picture before the first report.
    slot.transport.next_report_us = min(slot.transport.next_report_us, core.now_us + FIRST_REPORT_US)
    pull_deadline(core, slot.transport, slot.transport.next_report_us)
    return 1


# -- one packet -----------------------------------------------------------------------------------------------------------------

cdef inline SentRecord *remember(Slot *slot, const Pending *packet, const RtpValues *values, uint32_t now_ms) noexcept nogil:
    cdef SentRecord *record = &slot.sent[values.sequence_number & slot.sent_mask]
    record.source = slot.current_source
    record.timestamp = values.timestamp
    record.abs_send_time = values.abs_send_time
    record.resent_ms = now_ms
    record.sequence_number = values.sequence_number
    record.source_sequence_number = packet.view.sequence_number
    record.transport_sequence_number = values.transport_sequence_number
    record.format = packet.format
    record.resends = 0
    return record


cdef inline void send_packet(Core *core, Slot *slot, const Pending *packet, uint16_t sequence_number) noexcept nogil:
    cdef Transport *transport = slot.transport
    cdef const SlotFormat *format = &slot.formats[packet.format]
    cdef uint8_t *out = transmit_reserve(core)
    cdef RtpValues values
    cdef SentRecord *record
    cdef uint16_t payload = 0
    cdef int length
    if out == NULL:
        return
    memset(&values, 0, sizeof(values))
    values.payload_type = format.payload_type
    values.marker = packet.view.marker
    values.sequence_number = sequence_number
    values.timestamp = timestamp_map(&slot.timestamps, packet.view.timestamp, core.now_us)
    values.abs_send_time = abs_send_time(core.now_us)
    if slot.header.extensions.id[<int>EXTENSION_TRANSPORT_CC]:
        if not transport.sent_started:
            sent_init(&transport.sent)
            transport.sent_started = 1
        values.transport_sequence_number = sent_packet(&transport.sent, packet.view.length, core.now_us)
    record = remember(slot, packet, &values, <uint32_t>(core.now_us // 1000))
    if packet.payload_known:
        record.picture = picture_map_apply(&slot.pictures, &packet.payload)
        values.frame_number_delta = record.picture.frame_number
    length = write_rtp(&packet.view, &slot.current.track.transport.receive.extensions, &slot.header, &values, out,
                       TRANSMIT_PAYLOAD, &payload)
    if length < 0:
        core.counters.dropped[<int>DROP_TOO_LARGE] += 1
        record.source = 0
        return
    if packet.payload_known:
        rewrite_payload(out + payload, <size_t>(length - payload), &packet.payload, record.picture)
    slot.packets += 1
    slot.octets += <uint64_t>(length - payload)
    record.padding = packet.padding
    length += pad_packet(out, length, packet.padding)
    slot.bytes += <uint64_t>length
    slot.last_marker = values.marker
    transmit_rtp(core, transport, &slot.index, INDEX_FIRST, out, length, slot.kind, packet.arrival_us)
    if not transport.reporting:
        transport.reporting = 1
        pull_deadline(core, transport, max(transport.next_report_us, core.now_us + TICK_US))


cdef void forward_packet(Core *core, Slot *slot, Layer *layer, const Pending *packet) noexcept nogil:
    cdef uint16_t sequence_number = 0
    if slot.current is not layer or slot.current_source != layer.source:
        if slot.target is not layer or not switch_source(core, slot, layer, packet):
            return
    if slot.formats[packet.format].payload_type == 255:
        core.counters.dropped[<int>DROP_FORMAT_NOT_NEGOTIATED] += 1
        return
    if seqmap_jumps(&slot.sequence, packet.view.sequence_number):
        begin_numbers(slot, packet.view.sequence_number)
    if packet.padding_only and seqmap_drop(&slot.sequence, packet.view.sequence_number):
        return
    if (seqmap_map(&slot.sequence, packet.view.sequence_number, &sequence_number) != SEQMAP_FORWARD
            or <uint16_t>(<uint16_t>slot.sequence.highest_out - sequence_number) >= SRTP_RESEND_WINDOW):
        core.counters.dropped[<int>DROP_TOO_OLD] += 1
        return
    send_packet(core, slot, packet, sequence_number)
