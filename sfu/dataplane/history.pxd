# Decrypted packets of one layer, the newest of them, for retransmission and for those who join late.
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t, int64_t

cdef struct HistoryEntry:
    uint64_t extended       # sequence number; 0: empty
    int64_t stored_us
    uint32_t offset
    uint32_t lap
    uint16_t length
    uint8_t format

# A ring of bytes and an index by sequence number. The memory is the caller's.
cdef struct History:
    HistoryEntry *entries
    uint8_t *bytes
    uint32_t mask           # entries - 1, a power of two less one
    uint32_t capacity
    uint32_t head
    uint32_t lap            # starts at 1
    int64_t lap_start_us
    int64_t max_age_us

cdef void history_init(History *history, HistoryEntry *entries, uint32_t entry_count, uint8_t *bytes, uint32_t capacity,
                       int64_t max_age_us) noexcept nogil
cdef void history_clear(History *history) noexcept nogil
cdef void history_put(History *history, uint64_t extended, uint8_t format, const uint8_t *data, uint16_t length,
                      int64_t now_us) noexcept nogil
# NULL where it is not held (any more). The bytes stay until the next history_put.
cdef const HistoryEntry *history_find(const History *history, uint16_t seq, int64_t now_us) noexcept nogil
