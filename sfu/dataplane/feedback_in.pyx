"""RTCP ends here: reports become numbers, NACKs are answered, keyframe requests are merged.

Owns the reading of what subscribers and publishers say. It believes only what concerns their own slots and layers.
"""

from libc.stdint cimport uint16_t, uint32_t, uint64_t

from sfu.dataplane.atomics cimport store_u64
from sfu.dataplane.binding cimport stream_add, stream_find, stream_room
from sfu.dataplane.choice cimport slot_flows
from sfu.dataplane.clock cimport clock_report, ntp_from_us
from sfu.dataplane.events cimport EVENT_SOURCE_ENDED, event_layer
from sfu.dataplane.gcm cimport gcm_rtcp_index, gcm_unprotect_rtcp
from sfu.dataplane.ingress cimport layer_stopped
from sfu.dataplane.keyframes cimport keyframe_request
from sfu.dataplane.reasons cimport (
    DROP_NONE,
    DROP_RTCP_MALFORMED,
    DROP_SRTP_AUTH,
    DROP_SRTP_NO_KEYS,
    DROP_SRTP_REPLAY,
    DROP_STREAM_LIMIT,
)
from sfu.dataplane.replay cimport replay_add_rtcp, replay_check_rtcp
from sfu.dataplane.retransmit cimport retransmit_pair
from sfu.dataplane.rtcp cimport (
    RTCP_BYE,
    RTCP_FIR,
    RTCP_NACK,
    RTCP_PLI,
    RTCP_RECEIVER_REPORT,
    RTCP_SENDER_REPORT,
    RTCP_TWCC,
    ReportBlock,
    RtcpBlock,
    rtcp_check,
    rtcp_fir_entry,
    rtcp_nack_pair,
    rtcp_next,
    rtcp_report_block,
    rtcp_round_trip_us,
)
from sfu.dataplane.sent cimport sent_feedback
from sfu.dataplane.srtp cimport SRTP_AUTH_FAIL, SRTP_OK, SRTP_REPLAY_FAIL, SRTP_REPLAY_OLD
from sfu.dataplane.state cimport DIRECTION_IN, TRAFFIC_RTCP, Layer, Slot, Stream
from sfu.dataplane.twcc cimport FEEDBACK_HEADER
from sfu.dataplane.wire cimport get16, get32

cdef enum:
    SRTCP_HEADER = 8            # of the first RTCP packet; SRTCP leaves it in the clear
    SRTCP_INDEX = 4
    # What one RTCP datagram may cost.
    RETRANSMIT_BURST = 128      # packets that it may ask for
    STATUS_BURST = 8192         # packets that transport-wide feedback may tell of: a run of 8191 takes two bytes

cdef struct Budget:
    int packets
    int statuses


cdef inline void drop(Core *core, int reason) noexcept nogil:
    core.counters.dropped[reason] += 1


cdef Slot *slot_of(Transport *transport, uint32_t ssrc) noexcept nogil:
    cdef Slot *slot = transport.slots
    while slot != NULL and slot.header.ssrc != ssrc:
        slot = slot.next
    return slot


cdef Layer *layer_of(Transport *transport, uint32_t ssrc) noexcept nogil:
    cdef Stream *stream = stream_find(transport, ssrc)
    if stream == NULL or stream.layer == NULL or stream.is_rtx or stream.replaced:
        return NULL
    return stream.layer


# -- reports --------------------------------------------------------------------------------------------------------------------

cdef void read_reports(Core *core, Transport *transport, const RtcpBlock *block, int64_t arrival_us) noexcept nogil:
    cdef uint64_t now_ntp = ntp_from_us(arrival_us + core.ntp_offset_us)
    cdef ReportBlock report
    cdef Slot *slot
    cdef int64_t rtt_us
    cdef size_t index
    for index in range(block.count):
        rtcp_report_block(block, index, &report)
        slot = slot_of(transport, report.ssrc)
        if slot == NULL:
            continue
        slot.fraction_lost = report.fraction_lost
        slot.jitter = report.jitter
        rtt_us = rtcp_round_trip_us(&report, now_ntp)
        if rtt_us > 0:
            transport.rtt_us = rtt_us


cdef void read_sender_report(Core *core, Transport *transport, const RtcpBlock *block, int64_t arrival_us) noexcept nogil:
    cdef Layer *layer = layer_of(transport, block.sender_ssrc)
    if layer == NULL:
        return
    layer.stats.last_sr_ntp = <uint32_t>(block.ntp >> 16)
    layer.stats.last_sr_us = arrival_us
    clock_report(&layer.clock, block.ntp, block.rtp_timestamp, arrival_us + core.ntp_offset_us,
                 &transport.clock_offset_us, &transport.clock_set_us)


cdef void read_bye(Core *core, Transport *transport, const RtcpBlock *block) noexcept nogil:
    cdef Layer *layer
    cdef size_t index
    for index in range(block.count):
        layer = layer_of(transport, get32(block.body + 4 * index))
        if layer != NULL and layer.live:
            event_layer(core, EVENT_SOURCE_ENDED, layer)
            layer_stopped(core, layer)


# -- requests -------------------------------------------------------------------------------------------------------------------

cdef void read_nacks(Core *core, Transport *transport, const RtcpBlock *block, Budget *budget) noexcept nogil:
    cdef Slot *slot = slot_of(transport, block.media_ssrc)
    cdef uint16_t pid = 0, blp = 0
    cdef size_t index = 0
    if slot == NULL:
        return
    while budget.packets > 0 and rtcp_nack_pair(block, index, &pid, &blp):
        retransmit_pair(core, slot, pid, blp)
        budget.packets -= 17
        index += 1


cdef void read_transport_feedback(Core *core, Transport *transport, const RtcpBlock *block, int64_t arrival_us,
                                  Budget *budget) noexcept nogil:
    cdef int reason = DROP_RTCP_MALFORMED
    if not transport.sent_started:
        return
    if block.body_length >= FEEDBACK_HEADER:
        budget.statuses -= get16(block.body + 2)
        if budget.statuses >= 0:
            reason = sent_feedback(&transport.sent, block.body, block.body_length, arrival_us)
    if reason != DROP_NONE:
        drop(core, reason)


cdef void want_keyframe(Core *core, Slot *slot) noexcept nogil:
    cdef Layer *layer
    if slot == NULL:
        return
    slot.keyframe_requests_received += 1
    core.counters.keyframe_requests[<int>DIRECTION_IN] += 1
    layer = slot.current if slot_flows(slot) else slot.target
    if layer != NULL:
        keyframe_request(core, layer)


cdef void read_full_intra(Core *core, Transport *transport, const RtcpBlock *block) noexcept nogil:
    cdef uint32_t ssrc = 0
    cdef uint8_t number = 0
    cdef size_t index = 0
    while rtcp_fir_entry(block, index, &ssrc, &number):
        want_keyframe(core, slot_of(transport, ssrc))
        index += 1


# -- the compound ---------------------------------------------------------------------------------------------------------------

cdef void read_block(Core *core, Transport *transport, const RtcpBlock *block, int64_t arrival_us,
                     Budget *budget) noexcept nogil:
    if block.kind == RTCP_SENDER_REPORT:
        read_sender_report(core, transport, block, arrival_us)
        read_reports(core, transport, block, arrival_us)
    elif block.kind == RTCP_RECEIVER_REPORT:
        read_reports(core, transport, block, arrival_us)
    elif block.kind == RTCP_NACK:
        read_nacks(core, transport, block, budget)
    elif block.kind == RTCP_PLI:
        want_keyframe(core, slot_of(transport, block.media_ssrc))
    elif block.kind == RTCP_FIR:
        read_full_intra(core, transport, block)
    elif block.kind == RTCP_TWCC:
        read_transport_feedback(core, transport, block, arrival_us, budget)
    elif block.kind == RTCP_BYE:
        read_bye(core, transport, block)


# A status of libsrtp. The stream is NULL where the SSRC is new.
cdef inline int decrypt(Core *core, Transport *transport, const Stream *stream, uint8_t *data, int *length,
                        uint32_t *index) noexcept nogil:
    cdef int status
    if transport.gcm_receive_rtcp.context == NULL:
        return core.srtp.unprotect_rtcp(transport.srtp_receive, data, length)
    index[0] = gcm_rtcp_index(data, length[0])
    status = replay_check_rtcp(&stream.rtcp_replay, index[0]) if stream != NULL else SRTP_OK
    if status != SRTP_OK:
        return status
    return SRTP_OK if gcm_unprotect_rtcp(&transport.gcm_receive_rtcp, data, length) == 0 else SRTP_AUTH_FAIL


cdef int unprotect(Core *core, Transport *transport, uint8_t *data, int *length, int64_t now_us) noexcept nogil:
    cdef Stream *stream
    cdef uint32_t ssrc, index = 0
    cdef int status
    if not transport.secured:
        return DROP_SRTP_NO_KEYS
    if length[0] < SRTCP_HEADER + SRTCP_INDEX + transport.tag_length:
        return DROP_RTCP_MALFORMED
    ssrc = get32(data + 4)
    stream = stream_find(transport, ssrc)
    if stream == NULL and not stream_room(core, transport, now_us):
        return DROP_STREAM_LIMIT
    status = decrypt(core, transport, stream, data, length, &index)
    if status != SRTP_OK:
        return DROP_SRTP_REPLAY if status == SRTP_REPLAY_FAIL or status == SRTP_REPLAY_OLD else DROP_SRTP_AUTH
    if stream == NULL:
        stream = stream_add(transport, ssrc)
    if transport.gcm_receive_rtcp.context != NULL:
        replay_add_rtcp(&stream.rtcp_replay, index)
    stream.last_us = now_us
    return rtcp_check(data, <size_t>length[0])


cdef void receive_rtcp(Core *core, Transport *transport, uint8_t *data, size_t length, int64_t arrival_us) noexcept nogil:
    cdef int plain = <int>length
    cdef int reason = unprotect(core, transport, data, &plain, arrival_us)
    cdef Budget budget
    cdef RtcpBlock block
    cdef size_t offset = 0
    if reason != DROP_NONE:
        drop(core, reason)
        return
    transport.packets_received += 1
    transport.bytes_received += length
    store_u64(&transport.heard_us, <uint64_t>arrival_us)
    core.counters.packets[<int>DIRECTION_IN][<int>TRAFFIC_RTCP] += 1
    budget.packets = RETRANSMIT_BURST
    budget.statuses = STATUS_BURST
    while rtcp_next(data, <size_t>plain, &offset, &block):
        read_block(core, transport, &block, arrival_us, &budget)
