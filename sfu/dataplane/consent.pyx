"""Answers the checks by which a connected client renews its consent: the ones that change nothing but the time of the last one.

Owns the decision that a check is routine, the answer's bytes and the times. Strict on purpose: it takes the plain request that
browsers repeat every few seconds, and leaves everything else, however valid, to the ICE agent (sfu/protocol/ice.py), whose
answer to a routine check is the same, byte for byte. Cheap tests come first: nothing is hashed for a name that is not ours.
"""

from libc.stdint cimport uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from sfu.dataplane.addresses cimport is_ipv4, same_endpoint
from sfu.dataplane.atomics cimport store_u64
from sfu.dataplane.digest cimport SHA1_SIZE, HmacKey, crc32, hmac_key, hmac_sha1
from sfu.dataplane.state cimport CONSENT_NAME
from sfu.dataplane.transmit cimport transmit_reserve, transmit_stun
from sfu.dataplane.wire cimport get16, get32, put16, put32

cdef enum:
    HEADER = 20
    LONGEST = 512               # bytes of a routine check; browsers send 100 to 170
    MOST_ATTRIBUTES = 32        # protocol/stun.py
    MAGIC_COOKIE = 0x2112A442
    FINGERPRINT_XOR = 0x5354554E
    REQUEST = 0x0001            # Binding
    SUCCESS = 0x0101
    INTEGRITY_BYTES = 4 + SHA1_SIZE
    FINGERPRINT_BYTES = 8
    # Attributes (RFC 8489, RFC 8445)
    USERNAME = 0x0006
    MESSAGE_INTEGRITY = 0x0008
    XOR_MAPPED_ADDRESS = 0x0020
    PRIORITY = 0x0024
    USE_CANDIDATE = 0x0025
    OPTIONAL = 0x8000           # from here on, what is not understood is passed over
    FINGERPRINT = 0x8028
    ICE_CONTROLLED = 0x8029
    ICE_CONTROLLING = 0x802A
    # Those seen in a request
    SEEN_USERNAME = 1
    SEEN_PRIORITY = 2
    SEEN_NOMINATION = 4
    SEEN_CONTROLLING = 8


# -- the request ----------------------------------------------------------------------------------------------------------------

cdef int is_ours(const ConsentKey *key, const uint8_t *name, size_t length) noexcept nogil:
    cdef size_t place
    if length < key.name_length or (key.exact and length != key.name_length):
        return 0
    if memcmp(name, key.name, key.name_length) != 0:
        return 0
    for place in range(key.name_length, length):
        if name[place] > 0x7F:
            return 0            # whether it is UTF-8 is the parser's to say
    return 1


# The bit of an attribute whose form is right; 0 for one that is passed over, -1 for what is not routine.
cdef int seen(const ConsentKey *key, uint16_t attribute, const uint8_t *value, size_t length) noexcept nogil:
    if attribute == USERNAME:
        return SEEN_USERNAME if is_ours(key, value, length) else -1
    if attribute == PRIORITY:
        return SEEN_PRIORITY if length == 4 else -1
    if attribute == USE_CANDIDATE:
        return SEEN_NOMINATION if length == 0 else -1
    if attribute == ICE_CONTROLLING:
        return SEEN_CONTROLLING if length == 8 else -1
    return -1 if attribute < OPTIONAL or attribute == ICE_CONTROLLED or attribute == FINGERPRINT else 0


# What the attributes before MESSAGE-INTEGRITY are, as a set; -1 if the check is not routine. The two last attributes are
# MESSAGE-INTEGRITY and FINGERPRINT, both of their right length; what they say is checked elsewhere.
cdef int read_request(const ConsentKey *key, const uint8_t *data, size_t length) noexcept nogil:
    cdef size_t place = HEADER
    cdef size_t end, value_length
    cdef int found = 0, count = 2, bit
    if not HEADER + INTEGRITY_BYTES + FINGERPRINT_BYTES <= length <= LONGEST:
        return -1
    if get16(data) != REQUEST or get32(data + 4) != MAGIC_COOKIE or length % 4 or get16(data + 2) != length - HEADER:
        return -1
    end = length - INTEGRITY_BYTES - FINGERPRINT_BYTES
    if get32(data + end) != (<uint32_t>MESSAGE_INTEGRITY << 16 | SHA1_SIZE):
        return -1
    if get32(data + end + INTEGRITY_BYTES) != (<uint32_t>FINGERPRINT << 16 | 4):
        return -1
    while place < end:          # both are multiples of 4
        value_length = get16(data + place + 2)
        if place + 4 + value_length > end:
            return -1
        bit = seen(key, get16(data + place), data + place + 4, value_length)
        count += 1
        if bit < 0 or found & bit or count > MOST_ATTRIBUTES:
            return -1
        found |= bit
        place += 4 + ((value_length + 3) & ~<size_t>3)
    return found if place == end else -1


cdef inline uint32_t fingerprint(const uint8_t *data, size_t length) noexcept nogil:
    return crc32(data, length) ^ <uint32_t>FINGERPRINT_XOR


cdef int is_authentic(const HmacKey *key, uint8_t *data, size_t length) noexcept nogil:
    cdef size_t signed_length = length - INTEGRITY_BYTES - FINGERPRINT_BYTES
    cdef uint8_t made[SHA1_SIZE]
    cdef uint8_t different = 0
    cdef int place
    if get32(data + length - 4) != fingerprint(data, length - FINGERPRINT_BYTES):
        return 0
    # The length field as it was when the message was signed: it ended with MESSAGE-INTEGRITY (RFC 8489, section 14.5).
    put16(data + 2, <uint16_t>(length - FINGERPRINT_BYTES - HEADER))
    hmac_sha1(key, data, signed_length, made)
    put16(data + 2, <uint16_t>(length - HEADER))
    for place in range(SHA1_SIZE):
        different |= made[place] ^ data[signed_length + 4 + place]
    return different == 0


# -- the answer -----------------------------------------------------------------------------------------------------------------

# Gives its length, 64 or 76 bytes.
cdef size_t write_answer(const HmacKey *key, const uint8_t *request, const Endpoint *source, uint8_t *out) noexcept nogil:
    cdef int v4 = is_ipv4(source)
    cdef size_t size = 4 if v4 else 16
    cdef size_t place
    cdef uint8_t *value = out + HEADER + 4
    put16(out, SUCCESS)
    memcpy(out + 4, request + 4, HEADER - 4)
    put16(out + HEADER, XOR_MAPPED_ADDRESS)
    put16(out + HEADER + 2, <uint16_t>(4 + size))
    put16(value, 1 if v4 else 2)
    put16(value + 2, source.port ^ <uint16_t>(MAGIC_COOKIE >> 16))
    for place in range(size):
        value[4 + place] = source.ip[16 - size + place] ^ request[4 + place]
    place = HEADER + 8 + size
    put16(out + 2, <uint16_t>(place + INTEGRITY_BYTES - HEADER))
    put16(out + place, MESSAGE_INTEGRITY)
    put16(out + place + 2, SHA1_SIZE)
    hmac_sha1(key, out, place, out + place + 4)
    place += INTEGRITY_BYTES
    put16(out + 2, <uint16_t>(place + FINGERPRINT_BYTES - HEADER))
    put16(out + place, <uint16_t>FINGERPRINT)
    put16(out + place + 2, 4)
    put32(out + place + 4, fingerprint(out, place))
    return place + FINGERPRINT_BYTES


cdef int consent_answer(Core *core, Transport *transport, uint8_t *data, size_t length, const Endpoint *source) noexcept nogil:
    cdef ConsentKey *key = &transport.consent
    cdef uint8_t *out
    cdef int found, place
    # A check from another address than the one in use may select it: the agent's business.
    if not key.name_length or not same_endpoint(&transport.remote, source):
        return 0
    found = read_request(key, data, length)
    if found < 0 or not found & SEEN_USERNAME or not found & SEEN_CONTROLLING:
        return 0
    if not is_authentic(&key.hmac, data, length):
        return 0
    store_u64(&transport.heard_us, <uint64_t>core.now_us)
    for place in range(transport.address_count):
        if same_endpoint(&transport.addresses[place], source):
            store_u64(&transport.checked_us[transport.cells[place]], <uint64_t>core.now_us)
    out = transmit_reserve(core)
    if out != NULL:
        transmit_stun(core, transport, out, <int>write_answer(&key.hmac, data, source, out), source)
    return 1


# -- the control side -----------------------------------------------------------------------------------------------------------

cdef int consent_fill(bytes username, bytes password, ConsentKey *out) except -1:
    if len(username) > CONSENT_NAME:
        raise ValueError(f"a user name of {len(username)} bytes")
    memset(out, 0, sizeof(ConsentKey))
    out.name_length = <uint8_t>len(username)
    out.exact = not username.endswith(b":")
    memcpy(out.name, <const char *>username, len(username))
    hmac_key(&out.hmac, <const uint8_t *><const char *>password, len(password))
    return 0
