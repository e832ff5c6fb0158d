"""Validated addresses → transports: an open-addressing table that holds no more than half of its places.

Owns the table and the normal form of an address (IPv4 as ::ffff:a.b.c.d). It never learns an address from a packet: only
from ICE, by command.
"""

from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memmove, memset

from sfu.dataplane.atomics cimport store_u64

cdef extern from "<arpa/inet.h>" nogil:
    int inet_pton(int family, const char *text, void *out)
    const char *inet_ntop(int family, const void *address, char *out, uint32_t size)
    enum:
        AF_INET
        AF_INET6

cdef extern from "<net/if.h>" nogil:
    uint32_t if_nametoindex(const char *name)

cdef uint8_t *V4_PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255]


cdef int is_ipv4(const Endpoint *endpoint) noexcept nogil:
    return memcmp(endpoint.ip, V4_PREFIX, 12) == 0


# -- the table ------------------------------------------------------------------------------------------------------------------

cdef int address_table_init(AddressTable *table, uint32_t capacity, uint64_t seed) except -1:
    cdef uint32_t size = 16
    while size < capacity * 2:
        size *= 2
    table.entries = <AddressEntry *>calloc(size, sizeof(AddressEntry))
    if table.entries == NULL:
        raise MemoryError
    table.mask = size - 1
    table.count = 0
    table.seed = seed
    return 0


cdef void address_table_free(AddressTable *table) noexcept:
    free(table.entries)
    table.entries = NULL


cdef inline uint32_t home_of(const AddressTable *table, const Endpoint *endpoint) noexcept nogil:
    cdef uint64_t halves[2]
    memcpy(halves, endpoint.ip, 16)
    cdef uint64_t value = ip_hash(halves, table.seed)
    value = (value ^ (value >> 32) ^ endpoint.port ^ (<uint64_t>endpoint.scope << 16)) * <uint64_t>0x9E3779B97F4A7C15
    return <uint32_t>(value >> 32) & table.mask


cdef Transport *address_find(const AddressTable *table, const Endpoint *endpoint) noexcept nogil:
    cdef uint32_t place = home_of(table, endpoint)
    while table.entries[place].state:
        if same_endpoint(&table.entries[place].endpoint, endpoint):
            return table.entries[place].transport
        place = (place + 1) & table.mask
    return NULL


cdef void table_put(AddressTable *table, const Endpoint *endpoint, Transport *transport) noexcept nogil:
    cdef uint32_t place = home_of(table, endpoint)
    if table.count > table.mask // 2:
        return      # cannot happen: the control side bounds the number of addresses
    while table.entries[place].state:
        place = (place + 1) & table.mask
    table.entries[place].endpoint = endpoint[0]
    table.entries[place].transport = transport
    table.entries[place].state = 1
    table.count += 1


cdef void table_remove(AddressTable *table, const Endpoint *endpoint) noexcept nogil:
    cdef uint32_t hole = home_of(table, endpoint)
    cdef uint32_t place
    cdef uint32_t home
    while True:
        if not table.entries[hole].state:
            return
        if same_endpoint(&table.entries[hole].endpoint, endpoint):
            break
        hole = (hole + 1) & table.mask
    table.count -= 1
    # Close the hole: whoever would no longer be found across it moves back into it.
    place = hole
    while True:
        place = (place + 1) & table.mask
        if not table.entries[place].state:
            break
        home = home_of(table, &table.entries[place].endpoint)
        if ((place - home) & table.mask) >= ((place - hole) & table.mask):
            table.entries[hole] = table.entries[place]
            hole = place
    memset(&table.entries[hole], 0, sizeof(AddressEntry))


# -- a transport's addresses ----------------------------------------------------------------------------------------------------

cdef void forget(Core *core, Transport *transport, uint32_t place) noexcept nogil:
    table_remove(&core.addresses, &transport.addresses[place])
    transport.address_count -= 1
    memmove(&transport.addresses[place], &transport.addresses[place + 1],
            (transport.address_count - place) * sizeof(Endpoint))
    memmove(&transport.cells[place], &transport.cells[place + 1], transport.address_count - place)


cdef void address_remove(Core *core, Transport *transport, const Endpoint *endpoint) noexcept nogil:
    cdef uint32_t place
    for place in range(transport.address_count):
        if same_endpoint(&transport.addresses[place], endpoint):
            forget(core, transport, place)
            break
    else:
        return
    if transport.has_remote and same_endpoint(&transport.remote, endpoint):
        transport.has_remote = transport.address_count > 0
        if transport.has_remote:
            transport.remote = transport.addresses[transport.address_count - 1]


cdef void address_add(Core *core, Transport *transport, const Endpoint *endpoint, uint8_t cell) noexcept nogil:
    cdef Transport *holder = address_find(&core.addresses, endpoint)
    if holder is transport or transport.address_count == MAX_ADDRESSES:
        return      # the control side has made room
    if holder != NULL:
        address_remove(core, holder, endpoint)
    transport.addresses[transport.address_count] = endpoint[0]
    transport.cells[transport.address_count] = cell
    store_u64(&transport.checked_us[cell], 0)
    transport.address_count += 1
    table_put(&core.addresses, endpoint, transport)
    if not transport.has_remote:
        transport.remote = endpoint[0]
        transport.has_remote = 1


cdef void address_select(Core *core, Transport *transport, const Endpoint *endpoint) noexcept nogil:
    if address_find(&core.addresses, endpoint) is transport:
        transport.remote = endpoint[0]
        transport.has_remote = 1


cdef void address_remove_all(Core *core, Transport *transport) noexcept nogil:
    while transport.address_count:
        forget(core, transport, transport.address_count - 1)
    transport.has_remote = 0


# -- Python's form --------------------------------------------------------------------------------------------------------------

cdef int endpoint_from_python(object address, Endpoint *endpoint) except -1:
    cdef str host
    cdef long port
    host, port = address[:2]
    if not 0 <= port <= 65535:
        raise ValueError(f"port {port} is not in 0 to 65535")
    memset(endpoint, 0, sizeof(Endpoint))
    endpoint.port = <uint16_t>port
    endpoint.connection = address[2] if len(address) > 2 else 0
    text, _, scope = host.partition("%")
    cdef bytes numeric = text.encode("ascii", "replace")
    if inet_pton(AF_INET, numeric, endpoint.ip + 12) == 1:
        memcpy(endpoint.ip, V4_PREFIX, 12)
        return 0
    if inet_pton(AF_INET6, numeric, endpoint.ip) != 1:
        raise ValueError(f"{host!r} is not a numeric IP address")
    if scope:
        endpoint.scope = int(scope) if scope.isdecimal() else if_nametoindex(scope.encode("utf-8", "replace"))
    return 0


cdef object endpoint_to_python(const Endpoint *endpoint):
    cdef char text[64]
    if is_ipv4(endpoint):
        inet_ntop(AF_INET, endpoint.ip + 12, text, sizeof(text))
        host = text.decode("ascii")
    else:
        inet_ntop(AF_INET6, endpoint.ip, text, sizeof(text))
        host = text.decode("ascii")
        if endpoint.scope:
            host = f"{host}%{endpoint.scope}"
    return (host, endpoint.port, endpoint.connection) if endpoint.connection else (host, endpoint.port)
