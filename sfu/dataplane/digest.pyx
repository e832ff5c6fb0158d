"""The digests that STUN is signed with: HMAC-SHA1 (RFC 2104, FIPS 180-4) and the CRC-32 of FINGERPRINT (ISO 3309).

Owns no secret and no state but the CRC's table. It is made for messages of some hundred bytes; lengths are the caller's to check.
"""

from libc.string cimport memcpy, memset

from sfu.dataplane.exact cimport Exact, exact_copy
from sfu.dataplane.wire cimport get32, put32, put64

cdef enum:
    BLOCK = 64
    LENGTH_AT = 56          # in the last block: the message's length in bits

cdef uint32_t[256] CRC_TABLE


cdef void fill_table() noexcept:
    cdef uint32_t byte, value
    cdef int bit
    for byte in range(256):
        value = byte
        for bit in range(8):
            value = (value >> 1) ^ <uint32_t>0xEDB88320 if value & 1 else value >> 1
        CRC_TABLE[byte] = value


fill_table()


cdef uint32_t crc32(const uint8_t *data, size_t length) noexcept nogil:
    cdef uint32_t value = <uint32_t>0xFFFFFFFF
    cdef size_t place
    for place in range(length):
        value = (value >> 8) ^ CRC_TABLE[(value ^ data[place]) & 0xFF]
    return value ^ <uint32_t>0xFFFFFFFF


# -- SHA-1 ----------------------------------------------------------------------------------------------------------------------

cdef inline uint32_t rotate(uint32_t value, int bits) noexcept nogil:
    return (value << bits) | (value >> (32 - bits))


cdef inline void sha1_init(uint32_t *state) noexcept nogil:
    state[0] = <uint32_t>0x67452301
    state[1] = <uint32_t>0xEFCDAB89
    state[2] = <uint32_t>0x98BADCFE
    state[3] = <uint32_t>0x10325476
    state[4] = <uint32_t>0xC3D2E1F0


cdef void sha1_block(uint32_t *state, const uint8_t *block) noexcept nogil:
    cdef uint32_t words[80]
    cdef uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], mixed
    cdef int place
    for place in range(16):
        words[place] = get32(block + 4 * place)
    for place in range(16, 80):
        words[place] = rotate(words[place - 3] ^ words[place - 8] ^ words[place - 14] ^ words[place - 16], 1)
    for place in range(80):
        if place < 20:
            mixed = ((b & c) | (~b & d)) + <uint32_t>0x5A827999
        elif place < 40:
            mixed = (b ^ c ^ d) + <uint32_t>0x6ED9EBA1
        elif place < 60:
            mixed = ((b & c) | (b & d) | (c & d)) + <uint32_t>0x8F1BBCDC
        else:
            mixed = (b ^ c ^ d) + <uint32_t>0xCA62C1D6
        mixed += rotate(a, 5) + e + words[place]
        e = d
        d = c
        c = rotate(b, 30)
        b = a
        a = mixed
    state[0] += a
    state[1] += b
    state[2] += c
    state[3] += d
    state[4] += e


# Goes on from `start`, which has taken in `before` bytes (whole blocks) already, to the end of the message.
cdef void sha1_finish(const uint32_t *start, size_t before, const uint8_t *data, size_t length, uint8_t *out) noexcept nogil:
    cdef uint32_t state[5]
    cdef uint8_t last[2 * BLOCK]
    cdef size_t rest = length % BLOCK
    cdef size_t whole = length - rest
    cdef size_t size = BLOCK if rest < LENGTH_AT else 2 * BLOCK
    cdef size_t place
    cdef int word
    memcpy(state, start, sizeof(state))
    for place in range(length // BLOCK):
        sha1_block(state, data + BLOCK * place)
    memset(last, 0, sizeof(last))
    memcpy(last, data + whole, rest)
    last[rest] = 0x80
    put64(last + size - 8, 8 * (before + length))
    for place in range(size // BLOCK):
        sha1_block(state, last + BLOCK * place)
    for word in range(5):
        put32(out + 4 * word, state[word])


# -- HMAC -----------------------------------------------------------------------------------------------------------------------

cdef void hmac_key(HmacKey *out, const uint8_t *key, size_t length) noexcept nogil:
    cdef uint32_t state[5]
    cdef uint8_t inner[BLOCK]
    cdef uint8_t outer[BLOCK]
    cdef int place
    memset(inner, 0, BLOCK)
    if length > BLOCK:
        sha1_init(state)
        sha1_finish(state, 0, key, length, inner)
    else:
        memcpy(inner, key, length)
    for place in range(BLOCK):
        outer[place] = inner[place] ^ 0x5C
        inner[place] ^= 0x36
    sha1_init(out.inner)
    sha1_block(out.inner, inner)
    sha1_init(out.outer)
    sha1_block(out.outer, outer)


cdef void hmac_sha1(const HmacKey *key, const uint8_t *data, size_t length, uint8_t *out) noexcept nogil:
    cdef uint8_t inside[SHA1_SIZE]
    sha1_finish(key.inner, BLOCK, data, length, inside)
    sha1_finish(key.outer, BLOCK, inside, SHA1_SIZE, out)


# -- Python view, for tests and tools -------------------------------------------------------------------------------------------

def sha1_of(data: bytes) -> bytes:
    cdef Exact copy = exact_copy(data)
    cdef uint32_t state[5]
    cdef uint8_t out[SHA1_SIZE]
    sha1_init(state)
    sha1_finish(state, 0, copy.data, copy.length, out)
    return (<const char *>out)[:SHA1_SIZE]


def hmac_of(key: bytes, data: bytes) -> bytes:
    cdef Exact secret = exact_copy(key)
    cdef Exact copy = exact_copy(data)
    cdef HmacKey made
    cdef uint8_t out[SHA1_SIZE]
    hmac_key(&made, secret.data, secret.length)
    hmac_sha1(&made, copy.data, copy.length, out)
    return (<const char *>out)[:SHA1_SIZE]


def crc32_of(data: bytes) -> int:
    cdef Exact copy = exact_copy(data)
    return crc32(copy.data, copy.length)
