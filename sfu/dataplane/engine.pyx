"""The engine: the control plane's calls become commands, and without a worker it is fed with bytes and a clock.

Owns the handles, the records behind them and the core. Calls never wait: while a worker runs the core, commands go to it by a
list without locks; otherwise they are applied at once, by the same code.
"""

import itertools
import os

from cpython.ref cimport Py_DECREF, Py_INCREF, PyObject
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy
from posix.unistd cimport write

from sfu.dataplane.addresses cimport address_table_free, address_table_init, endpoint_from_python, endpoint_to_python
from sfu.dataplane.commands cimport *
from sfu.dataplane.consent cimport consent_fill
from sfu.dataplane.control cimport FAR_FUTURE, random_bits
from sfu.dataplane.demux cimport receive_datagram
from sfu.dataplane.events cimport event_read, events_free, events_init
from sfu.dataplane.feedback_out cimport run_timers
from sfu.dataplane.forward cimport forward_pending
from sfu.dataplane.params cimport fill_receive, fill_slot, fill_track
from sfu.dataplane.records cimport LayerRecord
from sfu.dataplane.snapshots cimport audio_levels_of, checks_of, counters_of, slot_stats_of, track_stats_of
from sfu.dataplane.snapshots cimport transport_stats_of
from sfu.dataplane.srtp cimport SrtpPair, load_srtp_api
from sfu.dataplane.state cimport MAX_ADDRESSES, ConsentKey, Endpoint, Slot, Track, TransmitEntry, Transport
from sfu.dataplane.transmit cimport transmit_clear, transmit_free, transmit_init

from sfu.errors import LimitError, LocalError
from sfu.dataplane.types import AudioLevel, EngineCounters, Event, LayerStats, ReceiveParams, SlotParams, SlotStats
from sfu.dataplane.types import Address, SrtpProfile, TrackParams, TransportStats

cdef enum:
    DATAGRAM_BUFFER = 2048
    TRANSMIT_CAPACITY = 2048        # datagrams
    EVENT_BYTES = 1048576           # of the event ring
    ADDRESSES_PER_TRANSPORT = 2     # on average, at the most

_handles = itertools.count(1)


cdef class Engine:
    def __cinit__(self):
        self.wake_fd = -1
        self.core = <Core *>calloc(1, sizeof(Core))
        self._datagram = <uint8_t *>malloc(DATAGRAM_BUFFER)
        if self.core == NULL or self._datagram == NULL:
            raise MemoryError

    def __init__(self, *, max_transports: int = 8192, ntp_offset_us: int = 0, seed: int | None = None) -> None:
        cdef Core *core = self.core
        if not 1 <= max_transports <= 1 << 20:
            raise ValueError("max_transports must be 1 to 2**20")
        if core.transports != NULL:
            raise LocalError("an engine is initialised once")
        core.random = (int.from_bytes(os.urandom(8), "little") if seed is None else seed) & 0xFFFFFFFFFFFFFFFF
        core.ntp_offset_us = ntp_offset_us
        core.next_timer_us = FAR_FUTURE
        core.max_transports = max_transports
        core.level_epoch = 1
        core.transports = <Transport **>calloc(max_transports, sizeof(Transport *))
        core.deadlines = <int64_t *>calloc(max_transports, sizeof(int64_t))
        if core.transports == NULL or core.deadlines == NULL:
            raise MemoryError
        load_srtp_api(&core.srtp)
        address_table_init(&core.addresses, max_transports * ADDRESSES_PER_TRANSPORT + MAX_ADDRESSES, random_bits(core))
        transmit_init(&core.queue, TRANSMIT_CAPACITY)
        events_init(&core.events, EVENT_BYTES, random_bits(core))
        self._transports = {}
        self._tracks = {}
        self._slots = {}
        self._addresses = {}

    def __dealloc__(self):
        cdef Core *core = self.core
        if core != NULL:
            # No worker can be running: it holds a reference. What is still to be done is given back undone.
            self.reap()
            core.finished = core.incoming
            self.reap()
            free(core.transports)
            free(core.deadlines)
            address_table_free(&core.addresses)
            transmit_free(&core.queue)
            events_free(&core.events)
        free(core)
        free(self._datagram)

    # -- commands ---------------------------------------------------------------------------------------------------------------

    cdef Command *_command(self, int kind, void *target, size_t argument_size, object keep) except NULL:
        cdef Command *command = <Command *>calloc(1, sizeof(Command) + argument_size)
        if command == NULL:
            raise MemoryError
        command.kind = kind
        command.object = target
        command.argument = <uint8_t *>command + sizeof(Command)
        Py_INCREF(keep)
        command.keep = <void *>keep
        return command

    cdef void _submit(self, Command *command) noexcept:
        cdef unsigned long long one = 1
        command_push(self.core, command)
        if not self.running:
            commands_apply(self.core)
        elif self.wake_fd >= 0:
            write(self.wake_fd, &one, sizeof(one))
        self.reap()

    cdef int _hand_over(self, int kind, void *target, const void *argument, size_t size, object keep) except -1:
        cdef Command *command = self._command(kind, target, size, keep)
        memcpy(command.argument, argument, size)
        self._submit(command)
        return 0

    cdef void reap(self) noexcept:
        cdef Command *command = commands_finished(self.core)
        cdef Command *following
        cdef object keep
        while command != NULL:
            following = command.next
            keep = <object><PyObject *>command.keep
            free(command)
            Py_DECREF(keep)
            command = following

    cdef int only_idle(self) except -1:
        if self.running:
            raise LocalError("a worker runs this engine")
        return 0

    # -- transports -------------------------------------------------------------------------------------------------------------

    def add_transport(self) -> int:
        if len(self._transports) >= self.core.max_transports:
            raise LimitError(f"this engine takes {self.core.max_transports} transports")
        handle = next(_handles)
        cdef TransportRecord record = TransportRecord(handle, os.urandom(9).hex())
        # The sender of our receiver reports; never 0, which some implementations take for none.
        record.transport.feedback_ssrc = int.from_bytes(os.urandom(4), "little") | 1
        record.transport.next_report_us = 0
        for place in range(128):
            record.transport.receive.repairs[place] = 255
        self._transports[handle] = record
        self._submit(self._command(COMMAND_ADD_TRANSPORT, record.transport, 0, record))
        return handle

    def remove_transport(self, transport: int) -> None:
        cdef TransportRecord record = self._transports[transport]
        for slot in list(record.slots):
            self.remove_slot(slot)
        for track in list(record.tracks):
            self.remove_track(track)
        for address in record.addresses:
            del self._addresses[address]
        record.addresses.clear()
        del self._transports[transport]
        self._submit(self._command(COMMAND_REMOVE_TRANSPORT, record.transport, 0, record))

    def add_address(self, transport: int, address: tuple[str, int]) -> None:
        cdef TransportRecord record = self._transports[transport]
        cdef TransportRecord holder
        cdef Endpoint endpoint
        endpoint_from_python(address, &endpoint)
        key = endpoint_to_python(&endpoint)
        holder = self._addresses.get(key)
        if holder is record:
            return
        if holder is not None:
            self._drop_address(holder, key)
        elif len(self._addresses) >= self.core.max_transports * ADDRESSES_PER_TRANSPORT:
            raise LimitError("this engine holds too many addresses")
        if len(record.addresses) >= MAX_ADDRESSES:
            # The oldest goes, but never the one that we send to.
            self._drop_address(record, next(old for old in record.addresses if old != record.selected))
        record.addresses[key] = next(cell for cell in range(MAX_ADDRESSES) if cell not in record.addresses.values())
        self._addresses[key] = record
        if record.selected is None:
            record.selected = key
        self._address_command(COMMAND_ADD_ADDRESS, record, key)

    def remove_address(self, transport: int, address: tuple[str, int]) -> None:
        cdef TransportRecord record = self._transports[transport]
        cdef Endpoint endpoint
        endpoint_from_python(address, &endpoint)
        key = endpoint_to_python(&endpoint)
        if key in record.addresses:
            self._drop_address(record, key)

    def select_address(self, transport: int, address: tuple[str, int]) -> None:
        cdef TransportRecord record = self._transports[transport]
        cdef Endpoint endpoint
        endpoint_from_python(address, &endpoint)
        key = endpoint_to_python(&endpoint)
        if key not in record.addresses:
            raise ValueError(f"{address!r} was not validated for this transport")
        record.selected = key
        self._address_command(COMMAND_SELECT_ADDRESS, record, key)

    cdef int _drop_address(self, TransportRecord record, object key) except -1:
        del record.addresses[key]
        del self._addresses[key]
        self._address_command(COMMAND_REMOVE_ADDRESS, record, key)
        if record.selected == key:
            # The newest takes its place.
            record.selected = next(reversed(record.addresses), None)
            if record.selected is not None:
                self._address_command(COMMAND_SELECT_ADDRESS, record, record.selected)
        return 0

    cdef int _address_command(self, int kind, TransportRecord record, object key) except -1:
        cdef Command *command = self._command(kind, record.transport, 0, record)
        endpoint_from_python(key, &command.endpoint)
        command.value = record.addresses.get(key, 0)
        self._submit(command)
        return 0

    def set_srtp(self, transport: int, profile: SrtpProfile, receive_key: bytes, send_key: bytes) -> None:
        cdef TransportRecord record = self._transports[transport]
        cdef SrtpPair pair = SrtpPair(profile, receive_key, send_key)
        cdef Command *command = self._command(COMMAND_SET_SRTP, record.transport, sizeof(SrtpConfig), (record, record.srtp))
        cdef SrtpConfig *config = <SrtpConfig *>command.argument
        config.receive = pair.receive
        config.send = pair.send
        config.gcm = pair.gcm
        config.tag_length = pair.tag_length
        record.srtp = pair
        self._submit(command)

    def set_receive(self, transport: int, params: ReceiveParams) -> None:
        cdef TransportRecord record = self._transports[transport]
        cdef ReceiveTable table
        fill_receive(params, &table)
        self._hand_over(COMMAND_SET_RECEIVE, record.transport, &table, sizeof(table), record)

    def set_consent(self, transport: int, username: bytes, password: bytes) -> None:
        cdef TransportRecord record = self._transports[transport]
        cdef ConsentKey key
        consent_fill(username, password, &key)
        self._hand_over(COMMAND_SET_CONSENT, record.transport, &key, sizeof(key), record)

    # -- tracks -----------------------------------------------------------------------------------------------------------------

    def add_track(self, transport: int, params: TrackParams) -> int:
        cdef TransportRecord owner = self._transports[transport]
        cdef TrackConfig config
        fill_track(params, &config)
        handle = next(_handles)
        cdef TrackRecord record = TrackRecord(handle, owner, params)
        record.layers = self._layers(record, params, &config)
        self._track_command(COMMAND_ADD_TRACK, record, &config, record)
        owner.tracks[handle] = record
        self._tracks[handle] = record
        return handle

    def update_track(self, track: int, params: TrackParams) -> None:
        cdef TrackRecord record = self._tracks[track]
        cdef TrackConfig config
        if params.kind != record.params.kind:
            raise ValueError("a track's kind cannot change")
        fill_track(params, &config)
        before = record.layers
        record.layers = self._layers(record, params, &config)
        record.params = params
        self._track_command(COMMAND_UPDATE_TRACK, record, &config, (record, before))

    cdef list _layers(self, TrackRecord record, object params, TrackConfig *config):
        cdef LayerRecord layer
        cdef list layers = []
        known = {(<LayerRecord>old).rid: old for old in record.layers}
        for place, rid in enumerate(params.rids or ("",)):
            layer = known.get(rid)
            if layer is None:
                layer = LayerRecord(rid, int(params.kind))
                layer.layer.track = record.track
            config.layers[<int>place] = layer.layer
            layers.append(layer)
        return layers

    cdef int _track_command(self, int kind, TrackRecord record, TrackConfig *config, object keep) except -1:
        return self._hand_over(kind, record.track, config, sizeof(TrackConfig), keep)

    def remove_track(self, track: int) -> None:
        cdef TrackRecord record = self._tracks.pop(track)
        cdef SlotRecord slot
        del record.owner.tracks[track]
        for slot in self._slots.values():
            if slot.source is record:
                slot.source = None
        self._submit(self._command(COMMAND_REMOVE_TRACK, record.track, 0, record))

    def request_keyframe(self, track: int) -> None:
        cdef TrackRecord record = self._tracks[track]
        self._submit(self._command(COMMAND_KEYFRAME, record.track, 0, record))

    # -- slots ------------------------------------------------------------------------------------------------------------------

    def add_slot(self, transport: int, params: SlotParams) -> int:
        cdef TransportRecord owner = self._transports[transport]
        cdef SlotRecord other
        cdef SlotConfig config
        fill_slot(params, &config)
        for other in owner.slots.values():
            if {other.params.ssrc, other.params.rtx_ssrc} & {params.ssrc, params.rtx_ssrc}:
                raise ValueError("another slot of this transport has this SSRC")
        handle = next(_handles)
        cdef SlotRecord record = SlotRecord(handle, owner, params)
        self._slot_command(COMMAND_ADD_SLOT, record, &config)
        owner.slots[handle] = record
        self._slots[handle] = record
        return handle

    def update_slot(self, slot: int, params: SlotParams) -> None:
        cdef SlotRecord record = self._slots[slot]
        cdef SlotConfig config
        if (params.ssrc, params.rtx_ssrc, params.kind) != (record.params.ssrc, record.params.rtx_ssrc, record.params.kind):
            raise ValueError("a slot's SSRCs and kind cannot change")
        fill_slot(params, &config)
        record.params = params
        self._slot_command(COMMAND_UPDATE_SLOT, record, &config)

    cdef int _slot_command(self, int kind, SlotRecord record, SlotConfig *config) except -1:
        return self._hand_over(kind, record.slot, config, sizeof(SlotConfig), record)

    def remove_slot(self, slot: int) -> None:
        cdef SlotRecord record = self._slots.pop(slot)
        del record.owner.slots[slot]
        self._submit(self._command(COMMAND_REMOVE_SLOT, record.slot, 0, record))

    def route(self, slot: int, track: int | None, *, max_layer: int = 3) -> None:
        cdef SlotRecord record = self._slots[slot]
        cdef TrackRecord source = None if track is None else self._tracks[track]
        if max_layer < 0:
            raise ValueError("max_layer must not be negative")
        if source is not None and source.params.kind != record.params.kind:
            raise ValueError("a slot takes tracks of its own kind only")
        cdef Command *command = self._command(COMMAND_ROUTE, record.slot, 0, (record, source))
        command.argument = NULL if source is None else source.track
        command.value = min(max_layer, 255)
        record.source = source
        self._submit(command)

    # -- sans-IO ----------------------------------------------------------------------------------------------------------------

    def receive(self, now_us: int, data: bytes, address: tuple[str, int]) -> None:
        cdef Endpoint source
        cdef size_t length = len(data)
        self.only_idle()
        endpoint_from_python(address, &source)
        memcpy(self._datagram, <const char *>data, min(length, <size_t>DATAGRAM_BUFFER))
        self.core.now_us = now_us
        receive_datagram(self.core, self._datagram, length, &source, now_us)
        forward_pending(self.core)

    def handle_timer(self, now_us: int) -> None:
        self.only_idle()
        self.core.now_us = now_us
        run_timers(self.core)

    def next_timer_us(self) -> int:
        return self.core.next_timer_us

    def poll_transmit(self) -> tuple[bytes, tuple[str, int]] | None:
        cdef TransmitEntry *entry
        self.only_idle()
        if self.core.queue.head == self.core.queue.count:
            return None
        entry = &self.core.queue.entries[self.core.queue.head]
        self.core.queue.head += 1
        datagram = (<const char *>entry.data)[:entry.length], endpoint_to_python(&entry.remote)
        if self.core.queue.head == self.core.queue.count:
            transmit_clear(&self.core.queue)
        return datagram

    def poll_event(self) -> Event | None:
        return event_read(&self.core.events)

    # -- snapshots --------------------------------------------------------------------------------------------------------------

    def counters(self) -> EngineCounters:
        self.reap()
        return counters_of(self.core, &self.control)

    def transport_stats(self, transport: int) -> TransportStats:
        return transport_stats_of(self._transports[transport])

    def check_times_us(self, transport: int) -> dict[Address, int]:
        return checks_of(self._transports[transport])

    def track_stats(self, track: int) -> tuple[LayerStats | None, ...]:
        return track_stats_of(self._tracks[track])

    def slot_stats(self, slot: int) -> SlotStats:
        return slot_stats_of(self._slots[slot])

    def audio_levels(self) -> list[AudioLevel]:
        return audio_levels_of(self.core, self._tracks)
