# Big-endian integers (network byte order) read from and written to bytes whose length the caller has checked.
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

cdef inline uint16_t get16(const uint8_t *data) noexcept nogil:
    return <uint16_t> ((data[0] << 8) | data[1])

cdef inline uint32_t get24(const uint8_t *data) noexcept nogil:
    return (<uint32_t> data[0] << 16) | (<uint32_t> data[1] << 8) | data[2]

cdef inline uint32_t get32(const uint8_t *data) noexcept nogil:
    return (<uint32_t> data[0] << 24) | (<uint32_t> data[1] << 16) | (<uint32_t> data[2] << 8) | data[3]

cdef inline uint64_t get64(const uint8_t *data) noexcept nogil:
    return (<uint64_t> get32(data) << 32) | get32(data + 4)

cdef inline void put16(uint8_t *data, uint16_t value) noexcept nogil:
    data[0] = <uint8_t> (value >> 8)
    data[1] = <uint8_t> value

cdef inline void put24(uint8_t *data, uint32_t value) noexcept nogil:
    data[0] = <uint8_t> (value >> 16)
    data[1] = <uint8_t> (value >> 8)
    data[2] = <uint8_t> value

cdef inline void put32(uint8_t *data, uint32_t value) noexcept nogil:
    data[0] = <uint8_t> (value >> 24)
    data[1] = <uint8_t> (value >> 16)
    data[2] = <uint8_t> (value >> 8)
    data[3] = <uint8_t> value

cdef inline void put64(uint8_t *data, uint64_t value) noexcept nogil:
    put32(data, <uint32_t> (value >> 32))
    put32(data + 4, <uint32_t> value)
