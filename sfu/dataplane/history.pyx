"""Owns nothing but the rule of what is still intact: the ring is written lap after lap, an entry of this lap is whole, one of
the lap before is whole as long as the head has not reached it. A lap ends at the ring's end, or once it is older than the
age limit, so that a slow stream keeps touching the same few pages. It never allocates and never looks into a packet.
"""

from libc.string cimport memcpy, memset


cdef void history_init(History *history, HistoryEntry *entries, uint32_t entry_count, uint8_t *bytes, uint32_t capacity,
                       int64_t max_age_us) noexcept nogil:
    history.entries = entries
    history.bytes = bytes
    history.mask = entry_count - 1
    history.capacity = capacity
    history.head = 0
    history.lap = 1
    history.lap_start_us = 0
    history.max_age_us = max_age_us


cdef void history_clear(History *history) noexcept nogil:
    memset(history.entries, 0, (<size_t>history.mask + 1) * sizeof(HistoryEntry))
    history.head = 0
    history.lap = 1
    history.lap_start_us = 0


cdef void history_put(History *history, uint64_t extended, uint8_t format, const uint8_t *data, uint16_t length,
                      int64_t now_us) noexcept nogil:
    cdef HistoryEntry *entry = &history.entries[extended & history.mask]
    if extended < entry.extended or length > history.capacity:
        return      # a straggler older than what its place holds now
    if history.lap_start_us == 0:
        history.lap_start_us = now_us
    if history.head + length > history.capacity or now_us - history.lap_start_us > history.max_age_us:
        history.lap += 1
        history.head = 0
        history.lap_start_us = now_us
    memcpy(history.bytes + history.head, data, length)
    entry.extended = extended
    entry.stored_us = now_us
    entry.offset = history.head
    entry.lap = history.lap
    entry.length = length
    entry.format = format
    history.head += length


cdef const HistoryEntry *history_find(const History *history, uint16_t seq, int64_t now_us) noexcept nogil:
    cdef const HistoryEntry *entry = &history.entries[seq & history.mask]
    if entry.extended == 0 or <uint16_t>entry.extended != seq or now_us - entry.stored_us > history.max_age_us:
        return NULL
    if entry.lap == history.lap:
        return entry
    if entry.lap + 1 == history.lap and entry.offset >= history.head:
        return entry
    return NULL
