# SHA-1, HMAC-SHA1 and CRC-32 of STUN, without the GIL.
from libc.stdint cimport uint8_t, uint32_t

cdef enum:
    SHA1_SIZE = 20

# The states after a key's two pads: what every HMAC with that key starts from.
cdef struct HmacKey:
    uint32_t inner[5]
    uint32_t outer[5]

cdef void hmac_key(HmacKey *out, const uint8_t *key, size_t length) noexcept nogil
cdef void hmac_sha1(const HmacKey *key, const uint8_t *data, size_t length, uint8_t *out) noexcept nogil
cdef uint32_t crc32(const uint8_t *data, size_t length) noexcept nogil
