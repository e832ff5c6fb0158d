"""How much STUN one address may send that no transport vouches for: so much a second, and so much at once.

Owns the table. One who floods uses up its own rate, not the part of the event ring that all strangers share, which is what
newcomers' first checks come through. A rate is an IPv4 address's or an IPv6 /64's, as one customer has a whole one at the least. The
table is of a fixed size: a set of four places for each hash, where the one that owes least makes place. Who sends from very many
addresses (or forges them) gets past this, and then shares the strangers' part of the ring with other strangers.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from sfu.dataplane.addresses cimport ip_hash, is_ipv4
from sfu.dataplane.state cimport Stranger

cdef enum:
    SETS = 1024             # a power of two
    PLACES = 4              # in a set
    # Of one address. A client that joins sends a check from each of its candidates every 50 ms until it is answered, so behind one
    # address fifty may join at the same moment. A third of the strangers' part of the event ring.
    INTERVAL_US = 2000
    BURST = 256


cdef int strangers_init(StrangerTable *table, unsigned long long seed) except -1:
    table.places = <Stranger *>calloc(SETS * PLACES, sizeof(Stranger))
    if table.places == NULL:
        raise MemoryError
    table.seed = seed
    return 0


cdef void strangers_free(StrangerTable *table) noexcept:
    free(table.places)
    table.places = NULL


cdef inline uint32_t set_of(const StrangerTable *table, const uint64_t *key) noexcept nogil:
    return <uint32_t>(ip_hash(key, table.seed) >> 32) & (SETS - 1)


# The generic cell rate algorithm (ITU-T I.371): `due_us` is when the next one would come if all came evenly.
cdef int stranger_may(StrangerTable *table, const Endpoint *source, int64_t now_us) noexcept nogil:
    cdef uint64_t key[2]
    cdef Stranger *place
    cdef Stranger *found
    cdef int number
    memcpy(key, source.ip, 16)
    if not is_ipv4(source):
        key[1] = 0
    found = place = &table.places[set_of(table, key) * PLACES]
    for number in range(PLACES):
        if place[number].key[0] == key[0] and place[number].key[1] == key[1]:
            found = &place[number]
            break
        if place[number].due_us < found.due_us:
            found = &place[number]
    else:
        found.key[0] = key[0]
        found.key[1] = key[1]
        found.due_us = now_us
    if found.due_us < now_us:
        found.due_us = now_us
    if found.due_us - now_us > (BURST - 1) * INTERVAL_US:
        return 0
    found.due_us += INTERVAL_US
    return 1
