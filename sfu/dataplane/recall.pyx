"""Reads a packet back from history. Owns nothing; it repeats what was done to the packet when it came in."""

from libc.stdint cimport uint8_t
from libc.string cimport memset

from sfu.dataplane.history cimport HistoryEntry, history_find
from sfu.dataplane.media cimport parse_media
from sfu.dataplane.packet cimport check_padding, parse_header
from sfu.dataplane.reasons cimport DROP_NONE
from sfu.dataplane.state cimport KIND_VIDEO, NONE16


cdef int recall(const Core *core, Layer *layer, uint16_t sequence_number, Pending *packet) noexcept nogil:
    cdef const HistoryEntry *entry = history_find(&layer.history, sequence_number, core.now_us)
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
    if layer.track.kind == KIND_VIDEO:
        parse_media(layer.track.transport, packet)
    return 1
