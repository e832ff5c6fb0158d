"""Reads a packet back from history. Owns nothing; it repeats what was done to the packet when it came in."""

from libc.stdint cimport uint8_t
from libc.string cimport memset

from sfu.dataplane.codec cimport parse_descriptor, parse_payload
from sfu.dataplane.history cimport HistoryEntry, history_find
from sfu.dataplane.packet cimport ExtensionView, check_padding, find_extension, parse_header
from sfu.dataplane.reasons cimport DROP_NONE
from sfu.dataplane.state cimport EXTENSION_DEPENDENCY_DESCRIPTOR, KIND_VIDEO, NONE16


cdef int recall(const Core *core, Layer *layer, uint16_t sequence_number, Pending *packet) noexcept nogil:
    cdef const HistoryEntry *entry = history_find(&layer.history, sequence_number, core.now_us)
    cdef const ExtensionView *descriptor
    cdef uint8_t *data
    if entry == NULL:
        return 0
    data = layer.history.bytes + entry.offset
    memset(&packet.payload, 0, sizeof(packet.payload))
    if parse_header(data, entry.length, &packet.view) != DROP_NONE or check_padding(&packet.view, entry.length) != DROP_NONE:
        return 0
    packet.arrival_us = 0
    packet.next = NONE16
    packet.format = entry.format
    packet.payload_known = 0
    packet.padding_only = 0
    packet.retransmitted = 0
    packet.padding = 0
    if layer.track.kind != KIND_VIDEO:
        return 1
    packet.payload_known = parse_payload(entry.format, data + packet.view.header_length, packet.view.payload_length,
                                         &packet.payload) == 0
    descriptor = find_extension(&packet.view, layer.track.transport.receive.extensions.id[<int>EXTENSION_DEPENDENCY_DESCRIPTOR])
    if descriptor != NULL and packet.payload_known:
        parse_descriptor(data + descriptor.offset, descriptor.length, &packet.payload)
    return 1
