"""Commands: the control side pushes them without waiting, the engine's thread takes all at once and gives them back when done.

Owns the two lists (compare-and-swap stacks) and what each command does to the engine. The engine's thread neither allocates
nor frees here: what a command replaces or removes travels back with it, kept alive by `Command.keep`, which only the control
side reads.
"""

from libc.stdint cimport uint16_t
from libc.string cimport memcmp, memcpy, memset

from sfu.dataplane.addresses cimport address_add, address_remove, address_remove_all, address_select, same_endpoint
from sfu.dataplane.atomics cimport exchange_pointer, load_pointer, swap_pointer_if
from sfu.dataplane.binding cimport clock_rate_of, stream_release
from sfu.dataplane.catchup cimport catch_up
from sfu.dataplane.choice cimport choose_layer, choose_layers, slot_flows
from sfu.dataplane.control cimport FAR_FUTURE, TICK_US, pull_deadline, random_bits
from sfu.dataplane.codec cimport picture_map_init
from sfu.dataplane.ended cimport begin_stream, end_stream
from sfu.dataplane.forward cimport forward_pending, slot_silence
from sfu.dataplane.history cimport history_clear
from sfu.dataplane.keyframes cimport keyframe_request
from sfu.dataplane.nack cimport nack_forget
from sfu.dataplane.packet_index cimport PacketIndex
from sfu.dataplane.reasons cimport DROP_TCP_CLOSED
from sfu.dataplane.replay cimport RtcpReplay, RtpReplay
from sfu.dataplane.seqmap cimport seqmap_init, timestamp_init
from sfu.dataplane.state cimport (
    SLOTS_AHEAD, TRAFFIC_DTLS, TRAFFIC_STUN, ConsentKey, Endpoint, SentRecord, Slot, Track, TransmitQueue,
    Transport,
)


# -- the lists ------------------------------------------------------------------------------------------------------------------

cdef inline void push(Command **place, Command *command) noexcept nogil:
    while True:
        command.next = <Command *>load_pointer(<void **>place)
        if swap_pointer_if(<void **>place, command.next, command):
            return


cdef void command_push(Core *core, Command *command) noexcept nogil:
    push(&core.incoming, command)


cdef Command *commands_finished(Core *core) noexcept nogil:
    return <Command *>exchange_pointer(<void **>&core.finished, NULL)


# -- transports -----------------------------------------------------------------------------------------------------------------

cdef void add_transport(Core *core, Command *command) noexcept nogil:
    cdef Transport *transport = <Transport *>command.object
    transport.index = core.transport_count
    core.transports[core.transport_count] = transport
    core.deadlines[core.transport_count] = FAR_FUTURE
    core.transport_count += 1


cdef void remove_transport(Core *core, Command *command) noexcept nogil:
    cdef Transport *transport = <Transport *>command.object
    cdef uint32_t last = core.transport_count - 1
    address_remove_all(core, transport)
    core.transports[transport.index] = core.transports[last]
    core.transports[transport.index].index = transport.index
    core.deadlines[transport.index] = core.deadlines[last]
    core.transport_count = last


cdef void add_address(Core *core, Command *command) noexcept nogil:
    address_add(core, <Transport *>command.object, &command.endpoint, <uint8_t>command.value)


cdef void remove_address(Core *core, Command *command) noexcept nogil:
    address_remove(core, <Transport *>command.object, &command.endpoint)


# What was sent from or to the old address may be lost, requests and their retries included. A receiver would notice only in seconds.
# A keyframe is quicker than the repair of a hole that long, and the repair would keep it waiting.
cdef void begin_anew(Core *core, Transport *transport) noexcept nogil:
    cdef Track *track = transport.tracks
    cdef Slot *slot = transport.slots
    cdef uint8_t index
    while slot != NULL:
        if slot_flows(slot):
            keyframe_request(core, slot.current)
        slot = slot.next
    while track != NULL:
        for index in range(track.layer_count):
            nack_forget(&track.layers[index].nacks)
        slot = track.slots
        while slot != NULL:
            if slot_flows(slot):
                slot.current.request.wanted = 0         # the tries begin anew
                keyframe_request(core, slot.current)
            slot = slot.next_of_track
        track = track.next


cdef void select_address(Core *core, Command *command) noexcept nogil:
    cdef Transport *transport = <Transport *>command.object
    cdef Endpoint before = transport.remote
    address_select(core, transport, &command.endpoint)
    if transport.has_remote and not same_endpoint(&before, &transport.remote):
        begin_anew(core, transport)


cdef void set_srtp(Core *core, Command *command) noexcept nogil:
    cdef Transport *transport = <Transport *>command.object
    cdef const SrtpConfig *config = <const SrtpConfig *>command.argument
    cdef Slot *slot = transport.slots
    cdef int place
    transport.secured = 1
    transport.srtp_receive = config.receive
    transport.srtp_send = config.send
    transport.gcm_send = config.gcm.send
    transport.gcm_receive = config.gcm.receive
    transport.gcm_send_rtcp = config.gcm.send_rtcp
    transport.gcm_receive_rtcp = config.gcm.receive_rtcp
    transport.tag_length = config.tag_length
    # With a new key every stream counts from the beginning.
    transport.ended_count = 0
    transport.rtcp_index = 0
    for place in range(transport.stream_count):
        memset(&transport.streams[place].replay, 0, sizeof(RtpReplay))
        memset(&transport.streams[place].rtcp_replay, 0, sizeof(RtcpReplay))
    while slot != NULL:
        memset(&slot.index, 0, sizeof(PacketIndex))
        memset(&slot.rtx_index, 0, sizeof(PacketIndex))
        slot = slot.next


cdef void set_receive(Core *core, Command *command) noexcept nogil:
    cdef Transport *transport = <Transport *>command.object
    cdef Track *track = transport.tracks
    cdef int index
    if memcmp(&transport.receive.extensions, &(<ReceiveTable *>command.argument).extensions,
              sizeof(transport.receive.extensions)):
        # What is remembered was parsed with other extension ids and could not be sent again unchanged.
        while track != NULL:
            for index in range(track.layer_count):
                history_clear(&track.layers[index].history)
            track = track.next
    memcpy(&transport.receive, command.argument, sizeof(ReceiveTable))


cdef void set_consent(Core *core, Command *command) noexcept nogil:
    (<Transport *>command.object).consent = (<const ConsentKey *>command.argument)[0]


cdef void sum_up_feedback(Transport *transport) noexcept nogil:
    cdef Track *track = transport.tracks
    transport.transport_cc = 0
    while track != NULL:
        transport.transport_cc |= track.transport_cc
        track = track.next


# -- tracks ---------------------------------------------------------------------------------------------------------------------

cdef void look_ahead(Slot *slot) noexcept nogil:
    cdef int step
    slot.ahead = slot
    for step in range(SLOTS_AHEAD):
        if slot.ahead != NULL:
            slot.ahead = slot.ahead.next_of_track


cdef void note_first(Track *track) noexcept nogil:
    cdef Slot *slot = track.slots
    cdef int place
    for place in range(SLOTS_AHEAD):
        track.first[place] = slot
        if slot != NULL:
            slot = slot.next_of_track


cdef void unlink_slot(Slot *slot) noexcept nogil:
    cdef Slot *before = slot.previous_of_track
    cdef int step
    if slot.track == NULL:
        return
    if slot.previous_of_track != NULL:
        slot.previous_of_track.next_of_track = slot.next_of_track
    else:
        slot.track.slots = slot.next_of_track
    if slot.next_of_track != NULL:
        slot.next_of_track.previous_of_track = slot.previous_of_track
    note_first(slot.track)
    for step in range(SLOTS_AHEAD):
        if before != NULL:
            look_ahead(before)
            before = before.previous_of_track
    slot.next_of_track = NULL
    slot.previous_of_track = NULL
    slot.ahead = NULL
    slot.track = NULL


cdef void release_layer(Track *track, Layer *layer) noexcept nogil:
    cdef Slot *slot = track.slots
    while slot != NULL:
        if slot.current is layer or slot.target is layer:
            slot_silence(slot)
        slot = slot.next_of_track
    stream_release(track.transport, layer)


cdef void configure_track(Track *track, const TrackConfig *config) noexcept nogil:
    cdef int index
    track.layer_count = config.layer_count
    for index in range(MAX_LAYERS):
        track.layers[index] = config.layers[index]
        if config.layers[index] != NULL:
            config.layers[index].track = track
            config.layers[index].index = <uint8_t>index
    track.simulcast = config.simulcast
    track.nack = config.nack
    track.transport_cc = config.transport_cc
    track.keyframe_interval_us = config.keyframe_interval_us
    track.mid_length = config.mid_length
    memcpy(track.mid, config.mid, MID_SIZE)
    track.ssrc_count = config.ssrc_count
    memcpy(track.ssrcs, config.ssrcs, sizeof(track.ssrcs))
    memcpy(track.rtx_ssrcs, config.rtx_ssrcs, sizeof(track.rtx_ssrcs))
    memcpy(track.payload_types, config.payload_types, sizeof(track.payload_types))
    sum_up_feedback(track.transport)


cdef void add_track(Core *core, Command *command) noexcept nogil:
    cdef Track *track = <Track *>command.object
    track.next = track.transport.tracks
    track.transport.tracks = track
    configure_track(track, <const TrackConfig *>command.argument)


cdef void update_track(Core *core, Command *command) noexcept nogil:
    cdef Track *track = <Track *>command.object
    cdef const TrackConfig *config = <const TrackConfig *>command.argument
    cdef int index, other
    for index in range(track.layer_count):
        for other in range(config.layer_count):
            if config.layers[other] is track.layers[index]:
                break
        else:
            release_layer(track, track.layers[index])
    configure_track(track, config)
    choose_layers(core, track, 1)


cdef void remove_track(Core *core, Command *command) noexcept nogil:
    cdef Track *track = <Track *>command.object
    cdef Track **place = &track.transport.tracks
    cdef int index
    while track.slots != NULL:
        slot_silence(track.slots)
        unlink_slot(track.slots)
    for index in range(track.layer_count):
        stream_release(track.transport, track.layers[index])
    while place[0] is not track:
        place = &place[0].next
    place[0] = track.next
    sum_up_feedback(track.transport)


# -- slots ----------------------------------------------------------------------------------------------------------------------

cdef void configure_slot(Slot *slot, const SlotConfig *config) noexcept nogil:
    if slot.packets and (memcmp(&slot.header, &config.header, sizeof(SlotHeader))
                         or memcmp(slot.formats, config.formats, sizeof(slot.formats))):
        # What was sent could not be sent again unchanged (retransmit.pyx).
        memset(slot.sent, 0, (<size_t>slot.sent_mask + 1) * sizeof(SentRecord))
    slot.header = config.header
    slot.rtx_header = config.rtx_header
    memcpy(slot.formats, config.formats, sizeof(slot.formats))
    memcpy(slot.cname, config.cname, CNAME_SIZE)
    slot.cname_length = config.cname_length


cdef void add_slot(Core *core, Command *command) noexcept nogil:
    cdef Slot *slot = <Slot *>command.object
    cdef Transport *transport = slot.transport
    cdef uint64_t numbers = random_bits(core)
    # First numbers in the lower half: a receiver that misses the first packets must not guess a wrong rollover (RFC 3711).
    cdef uint16_t first = <uint16_t>(numbers & 0x7FFF) | 1
    configure_slot(slot, <const SlotConfig *>command.argument)
    first = begin_stream(transport, slot.header.ssrc, first, &slot.index)
    slot.rtx_sequence_number = <uint16_t>((numbers >> 16) & 0x7FFF) | 1
    slot.rtx_sequence_number = begin_stream(transport, slot.rtx_header.ssrc, slot.rtx_sequence_number, &slot.rtx_index)
    seqmap_init(&slot.sequence, first)
    timestamp_init(&slot.timestamps, clock_rate_of(slot.kind), <uint32_t>(numbers >> 32))
    picture_map_init(&slot.pictures)
    slot.next = transport.slots
    transport.slots = slot
    transport.next_report_us = max(transport.next_report_us, core.now_us)
    pull_deadline(core, transport, core.now_us + TICK_US)


cdef void update_slot(Core *core, Command *command) noexcept nogil:
    configure_slot(<Slot *>command.object, <const SlotConfig *>command.argument)
    choose_layer(core, <Slot *>command.object, 1)


cdef void remove_slot(Core *core, Command *command) noexcept nogil:
    cdef Slot *slot = <Slot *>command.object
    cdef Slot **place = &slot.transport.slots
    slot_silence(slot)
    unlink_slot(slot)
    while place[0] is not slot:
        place = &place[0].next
    place[0] = slot.next
    end_stream(core, slot.transport, slot.header.ssrc, &slot.index)
    end_stream(core, slot.transport, slot.rtx_header.ssrc, &slot.rtx_index)


cdef void route(Core *core, Command *command) noexcept nogil:
    cdef Slot *slot = <Slot *>command.object
    cdef Track *track = <Track *>command.argument
    slot.max_layer = <uint8_t>command.value
    if track is not slot.track:
        # The old source ends now: its packets do not reach this slot any more. The new one begins with its keyframe.
        slot_silence(slot)
        unlink_slot(slot)
        if track == NULL:
            return
        slot.track = track
        slot.next_of_track = track.slots
        if track.slots != NULL:
            track.slots.previous_of_track = slot
        track.slots = slot
        look_ahead(slot)
        note_first(track)
    if track != NULL:
        choose_layer(core, slot, 0)
        if not catch_up(core, slot):
            choose_layer(core, slot, 1)


cdef void keyframe(Core *core, Command *command) noexcept nogil:
    cdef Track *track = <Track *>command.object
    cdef int index
    for index in range(track.layer_count):
        if track.layers[index].live:
            keyframe_request(core, track.layers[index])


# A datagram of the control side's to a TCP connection: its bytes are the argument, their number the value.
cdef void send(Core *core, Command *command) noexcept nogil:
    cdef TransmitQueue *queue = &core.queue
    cdef const uint8_t *data = <const uint8_t *>command.argument
    if queue.stream == NULL:
        core.counters.dropped[<int>DROP_TCP_CLOSED] += 1
        return
    queue.stream(queue.stream_context, &command.endpoint, data, <size_t>command.value,
                 TRAFFIC_STUN if command.value and data[0] < 4 else TRAFFIC_DTLS)


# -- applying -------------------------------------------------------------------------------------------------------------------

ctypedef void (*Action)(Core *core, Command *command) noexcept nogil

cdef Action[<int>COMMAND_COUNT] ACTIONS
ACTIONS[<int>COMMAND_ADD_TRANSPORT] = add_transport
ACTIONS[<int>COMMAND_REMOVE_TRANSPORT] = remove_transport
ACTIONS[<int>COMMAND_ADD_ADDRESS] = add_address
ACTIONS[<int>COMMAND_REMOVE_ADDRESS] = remove_address
ACTIONS[<int>COMMAND_SELECT_ADDRESS] = select_address
ACTIONS[<int>COMMAND_SET_SRTP] = set_srtp
ACTIONS[<int>COMMAND_SET_RECEIVE] = set_receive
ACTIONS[<int>COMMAND_SET_CONSENT] = set_consent
ACTIONS[<int>COMMAND_ADD_TRACK] = add_track
ACTIONS[<int>COMMAND_UPDATE_TRACK] = update_track
ACTIONS[<int>COMMAND_REMOVE_TRACK] = remove_track
ACTIONS[<int>COMMAND_ADD_SLOT] = add_slot
ACTIONS[<int>COMMAND_UPDATE_SLOT] = update_slot
ACTIONS[<int>COMMAND_REMOVE_SLOT] = remove_slot
ACTIONS[<int>COMMAND_ROUTE] = route
ACTIONS[<int>COMMAND_KEYFRAME] = keyframe
ACTIONS[<int>COMMAND_SEND] = send


cdef void commands_apply(Core *core) noexcept nogil:
    cdef Command *newest
    cdef Command *following
    cdef Command *command = NULL
    if load_pointer(<void **>&core.incoming) == NULL:
        return
    forward_pending(core)
    newest = <Command *>exchange_pointer(<void **>&core.incoming, NULL)
    while newest != NULL:
        following = newest.next
        newest.next = command
        command = newest
        newest = following
    while command != NULL:
        following = command.next
        ACTIONS[command.kind](core, command)
        push(&core.finished, command)
        command = following
