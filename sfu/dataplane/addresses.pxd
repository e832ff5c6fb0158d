# Which transport a datagram belongs to, by the address that it came from.
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp

from sfu.dataplane.state cimport MAX_ADDRESSES, AddressEntry, AddressTable, Core, Endpoint, Transport

cdef inline int same_endpoint(const Endpoint *a, const Endpoint *b) noexcept nogil:
    return a.port == b.port and a.connection == b.connection and a.scope == b.scope and memcmp(a.ip, b.ip, 16) == 0

# Of an IP address' two halves, keyed: nobody outside can choose what falls together.
cdef inline uint64_t ip_hash(const uint64_t *halves, uint64_t seed) noexcept nogil:
    cdef uint64_t value = (halves[0] ^ seed) * <uint64_t>0x9E3779B97F4A7C15
    return (value ^ (value >> 32) ^ halves[1]) * <uint64_t>0xD6E8FEB86659FD93

cdef int is_ipv4(const Endpoint *endpoint) noexcept nogil

cdef int address_table_init(AddressTable *table, uint32_t capacity, uint64_t seed) except -1
cdef void address_table_free(AddressTable *table) noexcept
cdef Transport *address_find(const AddressTable *table, const Endpoint *endpoint) noexcept nogil

# What ICE has validated (commands.pyx). An address belongs to whom it was given last.
# `cell`: its place in Transport.checked_us.
cdef void address_add(Core *core, Transport *transport, const Endpoint *endpoint, uint8_t cell) noexcept nogil
cdef void address_remove(Core *core, Transport *transport, const Endpoint *endpoint) noexcept nogil
cdef void address_select(Core *core, Transport *transport, const Endpoint *endpoint) noexcept nogil
cdef void address_remove_all(Core *core, Transport *transport) noexcept nogil

# (numeric address, port) of Python, or (numeric address, port, number of the TCP connection) ↔ Endpoint.
cdef int endpoint_from_python(object address, Endpoint *endpoint) except -1
cdef object endpoint_to_python(const Endpoint *endpoint)
