"""SRTP and SRTCP by AES-GCM (RFC 7714), without libsrtp around it: that costs as much again as the encryption.

Owns the session's key inside of OpenSSL and the layout of nonce and additional data. It never chooses an index
(packet_index.pyx) and never judges one (replay.pyx). The OpenSSL is the one that pylibsrtp's wheel was linked with and happens
to export; where it does not, `AVAILABLE` is false and libsrtp does the work.
"""

import ctypes
import logging
import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from libc.stdint cimport uint16_t, uintptr_t
from libc.string cimport memcpy
from pylibsrtp import _binding

from sfu.dataplane.exact cimport Exact, exact_copy
from sfu.dataplane.packet cimport RTP_HEADER_SIZE
from sfu.dataplane.wire cimport get16, get32, get64, put32, put64

cdef enum:
    OSSL_PARAM_OCTET_STRING = 5
    SRTCP_HEADER = 8            # of the first RTCP packet: in the clear, and authenticated
    SRTCP_TRAILER = 4           # the E flag and the index (RFC 7714, section 9.1)
    ENCRYPTED = 0x80            # the E flag, in the trailer's first byte

# openssl/core.h
cdef struct OsslParam:
    const char *key
    unsigned int data_type
    void *data
    size_t data_size
    size_t return_size

ctypedef void *(*CipherFetch)(void *library, const char *algorithm, const char *properties)
ctypedef void *(*ContextNew)()
ctypedef void (*ContextFree)(void *context) noexcept nogil
ctypedef int (*Init)(void *context, void *cipher, const uint8_t *key, const uint8_t *iv, const OsslParam *params) noexcept nogil
ctypedef int (*Update)(void *context, uint8_t *out, int *out_length, const uint8_t *data, int length) noexcept nogil
ctypedef int (*Final)(void *context, uint8_t *out, int *out_length) noexcept nogil
ctypedef int (*Params)(void *context, OsslParam *params) noexcept nogil

cdef CipherFetch cipher_fetch = NULL
cdef ContextNew context_new = NULL
cdef ContextFree context_free = NULL
cdef Init encrypt_init = NULL
cdef Update encrypt_update = NULL
cdef Final encrypt_final = NULL
cdef Params context_get_params = NULL
cdef Init decrypt_init = NULL
cdef Update decrypt_update = NULL
cdef Final decrypt_final = NULL
cdef void *AES_128_GCM = NULL
cdef const char *TAG = "tag"        # OSSL_CIPHER_PARAM_AEAD_TAG

_NAMES = (
    "EVP_CIPHER_fetch",
    "EVP_CIPHER_CTX_new",
    "EVP_CIPHER_CTX_free",
    "EVP_EncryptInit_ex2",
    "EVP_EncryptUpdate",
    "EVP_EncryptFinal_ex",
    "EVP_CIPHER_CTX_get_params",
    "EVP_DecryptInit_ex2",
    "EVP_DecryptUpdate",
    "EVP_DecryptFinal_ex",
)


# -- the cipher -----------------------------------------------------------------------------------------------------------------

# `low` holds what is below the first 8 bytes.
cdef inline void write_nonce(const GcmCipher *cipher, uint64_t high, uint32_t low, uint8_t *nonce) noexcept nogil:
    put64(nonce, cipher.salt_high ^ high)
    put32(nonce + 8, cipher.salt_low ^ low)


cdef inline void tag_param(OsslParam *params, uint8_t *tag) noexcept nogil:
    params[0].key = TAG
    params[0].data_type = OSSL_PARAM_OCTET_STRING
    params[0].data = tag
    params[0].data_size = GCM_TAG
    params[0].return_size = 0
    params[1].key = NULL


# Encrypts `data` in place and writes its tag behind it.
cdef inline int seal(void *context, const uint8_t *nonce, const uint8_t *clear, int clear_length, uint8_t *data,
                     int length) noexcept nogil:
    cdef OsslParam params[2]
    cdef int done = 0
    if (encrypt_init(context, NULL, NULL, nonce, NULL) != 1
            or encrypt_update(context, NULL, &done, clear, clear_length) != 1
            or encrypt_update(context, data, &done, data, length) != 1 or done != length
            or encrypt_final(context, data + length, &done) != 1 or done != 0):
        return -1
    tag_param(params, data + length)
    return 0 if context_get_params(context, params) == 1 else -1


# Decrypts `data` in place, if the tag behind it is right. `further` is what else was authenticated, after `clear`.
cdef inline int unseal(void *context, const uint8_t *nonce, const uint8_t *clear, int clear_length, const uint8_t *further,
                       int further_length, uint8_t *data, int length, uint8_t *tag) noexcept nogil:
    cdef OsslParam params[2]
    cdef int done = 0
    tag_param(params, tag)
    if (decrypt_init(context, NULL, NULL, nonce, params) != 1
            or decrypt_update(context, NULL, &done, clear, clear_length) != 1
            or (further_length and decrypt_update(context, NULL, &done, further, further_length) != 1)
            or (length and (decrypt_update(context, data, &done, data, length) != 1 or done != length))
            or decrypt_final(context, tag, &done) != 1 or done != 0):
        return -1
    return 0


# -- RTP ------------------------------------------------------------------------------------------------------------------------

# Bytes up to the payload, extension block included; 0 if the packet is too short for what it says.
cdef inline int header_length(const uint8_t *data, int length) noexcept nogil:
    cdef int header = RTP_HEADER_SIZE
    if length < header:
        return 0
    header += 4 * (data[0] & 0x0F)
    if data[0] & 0x10:
        if length < header + 4:
            return 0
        header += 4 + 4 * get16(data + header + 2)
    return header if header <= length else 0


# RFC 7714, section 8.1: two zero bytes, SSRC, rollover counter, sequence number.
cdef inline void rtp_nonce(const GcmCipher *cipher, const uint8_t *data, uint64_t index, uint8_t *nonce) noexcept nogil:
    write_nonce(cipher, <uint64_t>get32(data + 8) << 16 | index >> 32, <uint32_t>index, nonce)


cdef int gcm_protect(const GcmCipher *cipher, uint64_t index, uint8_t *data, int *length) noexcept nogil:
    cdef int header = header_length(data, length[0])
    cdef uint8_t nonce[GCM_SALT]
    if header == 0 or get16(data + 2) != <uint16_t>index:
        return -1
    rtp_nonce(cipher, data, index, nonce)
    if seal(cipher.context, nonce, data, header, data + header, length[0] - header) != 0:
        return -1
    length[0] += GCM_TAG
    return 0


cdef int gcm_unprotect(const GcmCipher *cipher, uint64_t index, int header, uint8_t *data, int *length) noexcept nogil:
    cdef int payload = length[0] - header - GCM_TAG
    cdef uint8_t nonce[GCM_SALT]
    if header < RTP_HEADER_SIZE or payload < 0 or get16(data + 2) != <uint16_t>index:
        return -1
    rtp_nonce(cipher, data, index, nonce)
    if unseal(cipher.context, nonce, data, header, NULL, 0, data + header, payload, data + header + payload) != 0:
        return -1
    length[0] = header + payload
    return 0


# -- RTCP -----------------------------------------------------------------------------------------------------------------------

# RFC 7714, section 9.1: two zero bytes, SSRC, two zero bytes, index.
cdef inline void rtcp_nonce(const GcmCipher *cipher, const uint8_t *data, uint32_t index, uint8_t *nonce) noexcept nogil:
    write_nonce(cipher, <uint64_t>get32(data + 4) << 16, index, nonce)


cdef uint32_t gcm_rtcp_index(const uint8_t *data, int length) noexcept nogil:
    return get32(data + length - SRTCP_TRAILER) & GCM_RTCP_INDEX


cdef int gcm_protect_rtcp(const GcmCipher *cipher, uint32_t index, uint8_t *data, int *length) noexcept nogil:
    cdef uint8_t nonce[GCM_SALT]
    cdef uint8_t clear[SRTCP_HEADER + SRTCP_TRAILER]
    if length[0] < SRTCP_HEADER or index > GCM_RTCP_INDEX:
        return -1
    memcpy(clear, data, SRTCP_HEADER)
    put32(clear + SRTCP_HEADER, index | <uint32_t>ENCRYPTED << 24)
    rtcp_nonce(cipher, data, index, nonce)
    if seal(cipher.context, nonce, clear, SRTCP_HEADER + SRTCP_TRAILER, data + SRTCP_HEADER, length[0] - SRTCP_HEADER) != 0:
        return -1
    length[0] += GCM_TAG
    memcpy(data + length[0], clear + SRTCP_HEADER, SRTCP_TRAILER)
    length[0] += SRTCP_TRAILER
    return 0


cdef int gcm_unprotect_rtcp(const GcmCipher *cipher, uint8_t *data, int *length) noexcept nogil:
    cdef int plain = length[0] - GCM_TAG - SRTCP_TRAILER
    cdef int clear
    cdef uint8_t nonce[GCM_SALT]
    if plain < SRTCP_HEADER:
        return -1
    clear = SRTCP_HEADER if data[plain + GCM_TAG] & ENCRYPTED else plain
    rtcp_nonce(cipher, data, gcm_rtcp_index(data, length[0]), nonce)
    if unseal(cipher.context, nonce, data, clear, data + plain + GCM_TAG, SRTCP_TRAILER, data + clear, plain - clear,
              data + plain) != 0:
        return -1
    length[0] = plain
    return 0


# -- a key ----------------------------------------------------------------------------------------------------------------------

cdef class GcmKey:
    """Key of 16 bytes and salt of 12, both of the session (`srtp_keys.session_key`)."""

    def __cinit__(self, bytes key, bytes salt):
        if len(key) != 16 or len(salt) != GCM_SALT:
            raise ValueError("a session key is 16 bytes and its salt 12")
        if AES_128_GCM == NULL:
            raise ValueError("OpenSSL is not to be had")
        self.cipher.salt_high = get64(salt)
        self.cipher.salt_low = get32(<const uint8_t *>salt + 8)
        self.cipher.context = context_new()
        if self.cipher.context == NULL:
            raise MemoryError
        if encrypt_init(self.cipher.context, AES_128_GCM, <const uint8_t *><const char *>key, NULL, NULL) != 1:
            raise ValueError("OpenSSL takes no key")

    def __dealloc__(self):
        if self.cipher.context != NULL:
            context_free(self.cipher.context)

    # For tests and tools. None for what cannot be protected, or is not authentic.

    def protect(self, bytes packet, uint64_t index):
        """The SRTP packet; None for what is no RTP packet with this index."""
        cdef Exact out = Exact(len(packet) + GCM_TAG)
        cdef int length = <int>len(packet)
        memcpy(out.data, <const char *>packet, length)
        return out.first(length) if gcm_protect(&self.cipher, index, out.data, &length) == 0 else None

    def unprotect(self, bytes packet, uint64_t index):
        cdef Exact out = exact_copy(packet)
        cdef int length = <int>len(packet)
        cdef int header = header_length(out.data, length)
        return out.first(length) if gcm_unprotect(&self.cipher, index, header, out.data, &length) == 0 else None

    def protect_rtcp(self, bytes compound, uint32_t index):
        cdef Exact out = Exact(len(compound) + GCM_TAG + SRTCP_TRAILER)
        cdef int length = <int>len(compound)
        memcpy(out.data, <const char *>compound, length)
        return out.first(length) if gcm_protect_rtcp(&self.cipher, index, out.data, &length) == 0 else None

    def unprotect_rtcp(self, bytes compound):
        """`(plain compound, index)`."""
        cdef Exact out = exact_copy(compound)
        cdef int length = <int>len(compound)
        if gcm_unprotect_rtcp(&self.cipher, out.data, &length) != 0:
            return None
        return out.first(length), gcm_rtcp_index(out.data, <int>len(compound))


# -- where it comes from --------------------------------------------------------------------------------------------------------

cdef inline void *pointer(object found):
    return <void *><uintptr_t><unsigned long long>ctypes.cast(found, ctypes.c_void_p).value


cdef void bind(object library):
    global cipher_fetch, context_new, context_free, encrypt_init, encrypt_update, encrypt_final, context_get_params
    global decrypt_init, decrypt_update, decrypt_final, AES_128_GCM
    found = [getattr(library, name) for name in _NAMES]
    cipher_fetch = <CipherFetch>pointer(found[0])
    context_new = <ContextNew>pointer(found[1])
    context_free = <ContextFree>pointer(found[2])
    encrypt_init = <Init>pointer(found[3])
    encrypt_update = <Update>pointer(found[4])
    encrypt_final = <Final>pointer(found[5])
    context_get_params = <Params>pointer(found[6])
    decrypt_init = <Init>pointer(found[7])
    decrypt_update = <Update>pointer(found[8])
    decrypt_final = <Final>pointer(found[9])
    AES_128_GCM = cipher_fetch(NULL, b"AES-128-GCM", NULL)


def encrypts_rightly() -> bool:
    """A packet, encrypted as by the OpenSSL of `cryptography`, and decrypted again, but not if a bit of it was turned."""
    key, salt, header, payload = bytes(range(16)), bytes(range(12)), bytes([0x80, 96, 0, 9, *range(8)]), bytes(range(100))
    nonce = bytes(a ^ b for a, b in zip(salt, bytes(2) + header[8:12] + bytes([0, 0, 0, 1, 0, 9]), strict=True))
    made = header + AESGCM(key).encrypt(nonce, payload, header)
    ours, index = GcmKey(key, salt), 1 << 16 | 9
    return (
        ours.protect(header + payload, index) == made
        and ours.unprotect(made, index) == header + payload
        and all(ours.unprotect(made[:at] + bytes([made[at] ^ 1]) + made[at + 1 :], index) is None for at in (1, 12, len(made) - 1))
    )


def available(path: str) -> bool:
    """Takes OpenSSL's functions from the library at `path`, which is loaded already; False if it has none that work."""
    try:
        bind(ctypes.CDLL(path, os.RTLD_NOW | os.RTLD_NOLOAD))
        return encrypts_rightly()
    except (OSError, AttributeError, ValueError):
        return False


AVAILABLE = available(_binding.__file__)
if not AVAILABLE:
    logging.getLogger(__name__).warning("this pylibsrtp exports no usable OpenSSL: libsrtp encrypts and decrypts, which costs more")
