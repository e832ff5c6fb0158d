"""Timers. Every transport has one deadline in a dense array; while a publisher sends, it is looked after every TICK_US.

Owns the intervals of what we send unasked. Toward publishers: transport-wide feedback, NACK, receiver reports, keyframe
retries. Toward subscribers: sender reports, translated to the time line of the slot and to our wall clock, so that lips stay
in sync.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t

from sfu.dataplane.arrivals cimport arrivals_feedback
from sfu.dataplane.choice cimport choice_timer, slot_flows
from sfu.dataplane.clock cimport clock_timestamp, ntp_from_us
from sfu.dataplane.control cimport FAR_FUTURE, TICK_US, control_begin, on_grid, random_bits
from sfu.dataplane.ingress cimport LAYER_TIMEOUT_US, layer_stopped
from sfu.dataplane.keyframes cimport keyframe_request, keyframe_timer
from sfu.dataplane.nack cimport nack_collect
from sfu.dataplane.rtcp cimport (
    ReportBlock,
    report_of,
    write_nack,
    write_receiver_report,
    write_sdes_cname,
    write_sender_report,
)
from sfu.dataplane.state cimport DIRECTION_OUT, KIND_VIDEO, Layer, Slot, Track, Transport
from sfu.dataplane.transmit cimport TRANSMIT_PAYLOAD, transmit_ready, transmit_reserve, transmit_rtcp

cdef enum:
    FEEDBACK_US = 60000             # transport-wide feedback (ALGORITHMS 13: 50 to 100 ms)
    REPORT_US = 1000000             # sender and receiver reports
    CHECK_US = 100000               # layers: still there? still the best?
    DEFAULT_RTT_US = 100000         # of a publisher that never told us
    NACK_BURST = 64                 # packets asked for in one go
    RTCP_SIZE = 1200                # bytes of one compound, so that it fits every path
    MAX_BLOCKS = 31                 # report blocks of one packet (RFC 3550)
    SLOT_REPORT = 28 + 16 + 64      # sender report, and SDES with the longest CNAME


# -- toward a publisher ---------------------------------------------------------------------------------------------------------

cdef void send_transport_feedback(Core *core, Transport *transport) noexcept nogil:
    cdef uint8_t *out
    cdef size_t length, written
    if core.now_us < transport.next_feedback_us or not transport.arrivals_started:
        return
    transport.next_feedback_us = core.now_us + FEEDBACK_US - TICK_US // 2
    while transport.arrivals.pending:
        out = transmit_reserve(core)
        if out == NULL:
            return
        length = control_begin(transport, out)
        written = arrivals_feedback(&transport.arrivals, transport.feedback_ssrc, transport.feedback_media_ssrc,
                                    out + length, RTCP_SIZE - length)
        if written == 0:
            return
        transmit_rtcp(core, transport, out, <int>(length + written))


cdef void send_nacks(Core *core, Transport *transport, Layer *layer) noexcept nogil:
    cdef uint16_t wanted[NACK_BURST]
    cdef uint8_t *out
    cdef size_t length
    cdef size_t count = nack_collect(&layer.nacks, core.now_us, transport.rtt_us if transport.rtt_us > 0 else DEFAULT_RTT_US,
                                     wanted, NACK_BURST)
    if count == 0:
        return
    out = transmit_reserve(core)
    if out == NULL:
        return
    length = control_begin(transport, out)
    length += write_nack(out + length, RTCP_SIZE - length, transport.feedback_ssrc, layer.ssrc, wanted, count)
    if transmit_rtcp(core, transport, out, <int>length) == 0:
        core.counters.nacks[<int>DIRECTION_OUT] += count


cdef void check_layer(Core *core, Transport *transport, Layer *layer) noexcept nogil:
    if layer.track.kind == KIND_VIDEO:
        if layer.track.nack and layer.live and layer.nacks.count:
            send_nacks(core, transport, layer)
        if layer.nacks.overflowed:
            layer.nacks.overflowed = 0
            keyframe_request(core, layer)
        keyframe_timer(core, layer)
    if layer.live and core.now_us - layer.last_packet_us >= LAYER_TIMEOUT_US:
        layer_stopped(core, layer)


cdef void check_tracks(Core *core, Transport *transport) noexcept nogil:
    cdef Track *track = transport.tracks
    cdef int choose = core.now_us >= transport.next_check_us
    cdef int index
    if choose:
        transport.next_check_us = core.now_us + CHECK_US - TICK_US // 2
    while track != NULL:
        for index in range(track.layer_count):
            if track.layers[index].bound:
                check_layer(core, transport, track.layers[index])
        if choose and track.kind == KIND_VIDEO:
            choice_timer(core, track)
        track = track.next


# -- reports --------------------------------------------------------------------------------------------------------------------

cdef size_t write_blocks(Core *core, Transport *transport, uint8_t *out) noexcept nogil:
    cdef ReportBlock blocks[MAX_BLOCKS]
    cdef size_t count = 0
    cdef Track *track = transport.tracks
    cdef Layer *layer
    cdef int index
    while track != NULL:
        for index in range(track.layer_count):
            layer = track.layers[index]
            if layer.live and count < MAX_BLOCKS:
                report_of(&layer.stats, layer.ssrc, core.now_us, &blocks[count])
                count += 1
        track = track.next
    return write_receiver_report(out, RTCP_SIZE, transport.feedback_ssrc, blocks, count)


cdef size_t write_slot_report(Core *core, Slot *slot, uint8_t *out, size_t capacity) noexcept nogil:
    cdef int64_t unix_us = core.now_us + core.ntp_offset_us
    cdef Layer *layer = slot.current
    cdef uint32_t source = clock_timestamp(&layer.clock, unix_us, layer.track.transport.clock_offset_us)
    cdef size_t length = write_sender_report(out, capacity, slot.header.ssrc, ntp_from_us(unix_us), source + slot.timestamps.offset,
                                             <uint32_t>slot.packets, <uint32_t>slot.octets)
    slot.reported_packets = <uint32_t>slot.packets
    return length + write_sdes_cname(out + length, capacity - length, slot.header.ssrc, slot.cname, slot.cname_length)


# A slot that has sent since its last report, and whose source has told its clock.
cdef inline int has_report(const Slot *slot) noexcept nogil:
    return slot.reported_packets != <uint32_t>slot.packets and slot_flows(slot) and slot.current.clock.known


cdef void send_slot_reports(Core *core, Transport *transport) noexcept nogil:
    cdef Slot *slot = transport.slots
    cdef uint8_t *out = NULL
    cdef size_t length = 0
    while slot != NULL:
        if has_report(slot):
            if out == NULL:
                out = transmit_reserve(core)
                length = 0
                if out == NULL:
                    return
            length += write_slot_report(core, slot, out + length, RTCP_SIZE - length)
            if length + SLOT_REPORT > RTCP_SIZE:
                transmit_rtcp(core, transport, out, <int>length)
                out = NULL
        slot = slot.next
    if out != NULL and length:
        transmit_rtcp(core, transport, out, <int>length)


cdef void send_reports(Core *core, Transport *transport) noexcept nogil:
    cdef uint8_t *out
    cdef size_t length
    if core.now_us < transport.next_report_us:
        return
    # Half a second of jitter keeps many transports from reporting all at once (RFC 3550, section 6.2).
    transport.next_report_us = core.now_us + REPORT_US * 3 // 4 + <int64_t>(random_bits(core) % (REPORT_US // 2))
    send_slot_reports(core, transport)
    if transport.tracks == NULL or core.now_us - transport.active_us > LAYER_TIMEOUT_US:
        return
    out = transmit_reserve(core)
    if out == NULL:
        return
    length = write_blocks(core, transport, out)
    length += write_sdes_cname(out + length, TRANSMIT_PAYLOAD - length, transport.feedback_ssrc, transport.cname,
                               transport.cname_length)
    transmit_rtcp(core, transport, out, <int>length)


# -- deadlines ------------------------------------------------------------------------------------------------------------------

# Packets came lately, or a layer has still to be told stopped.
cdef int is_publishing(const Core *core, const Transport *transport) noexcept nogil:
    cdef const Track *track = transport.tracks
    cdef int index
    if track != NULL and core.now_us - transport.active_us <= LAYER_TIMEOUT_US:
        return 1
    while track != NULL:
        for index in range(track.layer_count):
            if track.layers[index].live:
                return 1
        track = track.next
    return 0


# A slot has sent what no report has told of.
cdef int owes_report(const Transport *transport) noexcept nogil:
    cdef const Slot *slot = transport.slots
    while slot != NULL:
        if slot.reported_packets != <uint32_t>slot.packets:
            return 1
        slot = slot.next
    return 0


cdef int64_t transport_timer(Core *core, Transport *transport) noexcept nogil:
    cdef int publishes = is_publishing(core, transport)
    if publishes:
        check_tracks(core, transport)
    if transmit_ready(transport):
        if publishes and transport.transport_cc:
            send_transport_feedback(core, transport)
        send_reports(core, transport)
    if publishes:
        return on_grid(core.now_us + TICK_US)
    transport.reporting = owes_report(transport)
    return on_grid(max(transport.next_report_us, core.now_us + TICK_US)) if transport.reporting else FAR_FUTURE


cdef void run_timers(Core *core) noexcept nogil:
    cdef int64_t earliest = FAR_FUTURE
    cdef uint32_t index
    if core.now_us < core.next_timer_us:
        return
    for index in range(core.transport_count):
        if core.deadlines[index] <= core.now_us:
            core.deadlines[index] = FAR_FUTURE
            core.deadlines[index] = min(transport_timer(core, core.transports[index]), core.deadlines[index])
        earliest = min(earliest, core.deadlines[index])
    # A timer may have pulled the deadline of a transport that was passed already.
    for index in range(core.transport_count):
        earliest = min(earliest, core.deadlines[index])
    core.next_timer_us = earliest
