"""The transmit queue: an arena of bytes, entries in the order of arrival, and a chain of entries for each transport.

Owns what is waiting to be sent and the protecting of it. A worker empties it whenever it has grown by `flush_bytes`, and
follows the chains, so that all datagrams to one destination lie together; a sans-IO engine polls it in order. It is bounded,
and what does not fit is dropped and counted as `transmit_full`. It never opens a socket.
"""

from libc.stdint cimport uint32_t
from libc.stdlib cimport calloc, free, malloc

from sfu.dataplane.gcm cimport GCM_RTCP_INDEX, gcm_protect, gcm_protect_rtcp
from sfu.dataplane.packet_index cimport index_take
from sfu.dataplane.reasons cimport DROP_SRTP_PROTECT, DROP_TRANSMIT_FULL
from sfu.dataplane.srtp cimport SRTP_OK
from sfu.dataplane.state cimport DIRECTION_OUT, NONE16, TRAFFIC_RTCP, TRAFFIC_STUN
from sfu.dataplane.wire cimport get16

cdef enum:
    ALIGNMENT = 64      # a cache line


cdef int transmit_init(TransmitQueue *queue, uint16_t capacity) except -1:
    queue.capacity = capacity
    queue.arena_size = <size_t>capacity * TRANSMIT_ROOM
    queue.flush_bytes = queue.arena_size
    queue.arena = <uint8_t *>malloc(queue.arena_size + ALIGNMENT)
    queue.entries = <TransmitEntry *>calloc(capacity, sizeof(TransmitEntry))
    queue.chains = <uint16_t *>calloc(capacity, sizeof(uint16_t))
    if queue.arena == NULL or queue.entries == NULL or queue.chains == NULL:
        raise MemoryError
    transmit_clear(queue)
    return 0


cdef void transmit_free(TransmitQueue *queue) noexcept:
    free(queue.arena)
    free(queue.entries)
    free(queue.chains)
    queue.arena = NULL
    queue.entries = NULL
    queue.chains = NULL


cdef void transmit_clear(TransmitQueue *queue) noexcept nogil:
    queue.used = (ALIGNMENT - (<size_t>queue.arena & (ALIGNMENT - 1))) & (ALIGNMENT - 1)
    queue.count = 0
    queue.head = 0
    queue.chain_count = 0
    queue.epoch += 1


cdef inline int is_full(const TransmitQueue *queue) noexcept nogil:
    return queue.count == queue.capacity or queue.used + TRANSMIT_ROOM > queue.arena_size


cdef uint8_t *transmit_reserve(Core *core) noexcept nogil:
    cdef TransmitQueue *queue = &core.queue
    if queue.flush != NULL:
        if queue.used >= queue.flush_bytes or is_full(queue):
            queue.flush(queue.flush_context)
    if is_full(queue):
        core.counters.dropped[<int>DROP_TRANSMIT_FULL] += 1
        return NULL
    return queue.arena + queue.used


cdef void commit(Core *core, Transport *transport, const Endpoint *remote, uint8_t *data, int length, int traffic,
                 int64_t arrival_us) noexcept nogil:
    cdef TransmitQueue *queue = &core.queue
    cdef uint16_t place = queue.count
    cdef TransmitEntry *entry = &queue.entries[place]
    entry.data = data
    entry.length = <uint16_t>length
    entry.next = NONE16
    entry.remote = remote[0]
    entry.traffic = <uint8_t>traffic
    entry.arrival_us = arrival_us
    if transport.chain_epoch == queue.epoch:
        queue.entries[transport.chain_last].next = place
    else:
        transport.chain_epoch = queue.epoch
        queue.chains[queue.chain_count] = place
        queue.chain_count += 1
    transport.chain_last = place
    queue.count += 1
    queue.used += (<size_t>length + ALIGNMENT - 1) & ~<size_t>(ALIGNMENT - 1)
    core.counters.packets[<int>DIRECTION_OUT][traffic] += 1
    core.counters.bytes[<int>DIRECTION_OUT] += <uint64_t>length


cdef inline void commit_protected(Core *core, Transport *transport, uint8_t *data, int length, int traffic,
                                  int64_t arrival_us) noexcept nogil:
    commit(core, transport, &transport.remote, data, length, traffic, arrival_us)
    transport.packets_sent += 1
    transport.bytes_sent += <uint64_t>length


cdef inline int protect(Core *core, Transport *transport, int64_t index, uint8_t *data, int *length) noexcept nogil:
    if index < 0:
        return -1
    if transport.gcm_send.context != NULL:
        return gcm_protect(&transport.gcm_send, <uint64_t>index, data, length)
    return core.srtp.protect(transport.srtp_send, data, length)


cdef int transmit_rtp(Core *core, Transport *transport, PacketIndex *index, IndexUse use, uint8_t *data, int length, int traffic,
                      int64_t arrival_us) noexcept nogil:
    if protect(core, transport, index_take(index, get16(data + 2), use), data, &length) != SRTP_OK:
        core.counters.dropped[<int>DROP_SRTP_PROTECT] += 1
        return -1
    commit_protected(core, transport, data, length, traffic, arrival_us)
    return 0


cdef inline int protect_rtcp(Core *core, Transport *transport, uint8_t *data, int *length) noexcept nogil:
    if transport.gcm_send_rtcp.context == NULL:
        return core.srtp.protect_rtcp(transport.srtp_send, data, length)
    # One count for all SSRCs of a transport: each sees it rise, and no nonce comes twice. At its end gcm_protect_rtcp refuses.
    transport.rtcp_index = min(transport.rtcp_index, <uint32_t>GCM_RTCP_INDEX) + 1
    return gcm_protect_rtcp(&transport.gcm_send_rtcp, transport.rtcp_index, data, length)


cdef int transmit_rtcp(Core *core, Transport *transport, uint8_t *data, int length) noexcept nogil:
    if protect_rtcp(core, transport, data, &length) != SRTP_OK:
        core.counters.dropped[<int>DROP_SRTP_PROTECT] += 1
        return -1
    commit_protected(core, transport, data, length, TRAFFIC_RTCP, 0)
    return 0


cdef void transmit_stun(Core *core, Transport *transport, uint8_t *data, int length, const Endpoint *remote) noexcept nogil:
    commit(core, transport, remote, data, length, TRAFFIC_STUN, 0)
