"""SRTP by AES-GCM for what we send (RFC 7714), without libsrtp around it: that costs as much again as the encryption.

Owns the session's key inside of OpenSSL and the layout of nonce and additional data. It never chooses an index
(packet_index.pyx) and never decrypts. The OpenSSL is the one that pylibsrtp's wheel was linked with and happens to export;
where it does not, `AVAILABLE` is false and libsrtp does the work.
"""

import ctypes
import logging
import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from libc.stdint cimport uint16_t, uintptr_t
from libc.string cimport memcpy
from pylibsrtp import _binding

from sfu.dataplane.exact cimport Exact
from sfu.dataplane.packet cimport RTP_HEADER_SIZE
from sfu.dataplane.wire cimport get16, get32, get64, put32, put64

cdef enum:
    OSSL_PARAM_OCTET_STRING = 5

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
ctypedef int (*EncryptInit)(void *context, void *cipher, const uint8_t *key, const uint8_t *iv, const OsslParam *params) noexcept nogil
ctypedef int (*EncryptUpdate)(void *context, uint8_t *out, int *out_length, const uint8_t *data, int length) noexcept nogil
ctypedef int (*EncryptFinal)(void *context, uint8_t *out, int *out_length) noexcept nogil
ctypedef int (*ContextGetParams)(void *context, OsslParam *params) noexcept nogil

cdef CipherFetch cipher_fetch = NULL
cdef ContextNew context_new = NULL
cdef ContextFree context_free = NULL
cdef EncryptInit encrypt_init = NULL
cdef EncryptUpdate encrypt_update = NULL
cdef EncryptFinal encrypt_final = NULL
cdef ContextGetParams context_get_params = NULL
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
)


# -- a packet -------------------------------------------------------------------------------------------------------------------

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


cdef int gcm_protect(const GcmSender *sender, uint64_t index, uint8_t *data, int *length) noexcept nogil:
    cdef int header = header_length(data, length[0])
    cdef int payload = length[0] - header
    cdef int done = 0
    cdef uint8_t nonce[GCM_SALT]
    cdef OsslParam tag[2]
    if header == 0 or get16(data + 2) != <uint16_t>index:
        return -1
    # RFC 7714, section 8.1: two zero bytes, SSRC, rollover counter, sequence number
    put64(nonce, sender.salt_high ^ (<uint64_t>get32(data + 8) << 16 | index >> 32))
    put32(nonce + 8, sender.salt_low ^ <uint32_t>index)
    if (encrypt_init(sender.context, NULL, NULL, nonce, NULL) != 1
            or encrypt_update(sender.context, NULL, &done, data, header) != 1
            or encrypt_update(sender.context, data + header, &done, data + header, payload) != 1 or done != payload
            or encrypt_final(sender.context, data + length[0], &done) != 1 or done != 0):
        return -1
    tag[1].key = NULL
    tag[0].key = TAG
    tag[0].data_type = OSSL_PARAM_OCTET_STRING
    tag[0].data = data + length[0]
    tag[0].data_size = GCM_TAG
    tag[0].return_size = 0
    if context_get_params(sender.context, tag) != 1:
        return -1
    length[0] += GCM_TAG
    return 0


# -- a key ----------------------------------------------------------------------------------------------------------------------

cdef class GcmKey:
    """Key of 16 bytes and salt of 12, both of the session (`srtp_keys.session_key`)."""

    def __cinit__(self, bytes key, bytes salt):
        if len(key) != 16 or len(salt) != GCM_SALT:
            raise ValueError("a session key is 16 bytes and its salt 12")
        if AES_128_GCM == NULL:
            raise ValueError("OpenSSL is not to be had")
        self.sender.salt_high = get64(salt)
        self.sender.salt_low = get32(<const uint8_t *>salt + 8)
        self.sender.context = context_new()
        if self.sender.context == NULL:
            raise MemoryError
        if encrypt_init(self.sender.context, AES_128_GCM, <const uint8_t *><const char *>key, NULL, NULL) != 1:
            raise ValueError("OpenSSL takes no key")

    def __dealloc__(self):
        if self.sender.context != NULL:
            context_free(self.sender.context)

    def protect(self, bytes packet, uint64_t index):
        """The SRTP packet; None for what is no RTP packet with this index. For tests and tools."""
        cdef Exact out = Exact(len(packet) + GCM_TAG)
        cdef int length = <int>len(packet)
        memcpy(out.data, <const char *>packet, length)
        return out.first(length) if gcm_protect(&self.sender, index, out.data, &length) == 0 else None


# -- where it comes from --------------------------------------------------------------------------------------------------------

cdef inline void *pointer(object found):
    return <void *><uintptr_t><unsigned long long>ctypes.cast(found, ctypes.c_void_p).value


cdef void bind(object library):
    global cipher_fetch, context_new, context_free, encrypt_init, encrypt_update, encrypt_final, context_get_params, AES_128_GCM
    found = [getattr(library, name) for name in _NAMES]
    cipher_fetch = <CipherFetch>pointer(found[0])
    context_new = <ContextNew>pointer(found[1])
    context_free = <ContextFree>pointer(found[2])
    encrypt_init = <EncryptInit>pointer(found[3])
    encrypt_update = <EncryptUpdate>pointer(found[4])
    encrypt_final = <EncryptFinal>pointer(found[5])
    context_get_params = <ContextGetParams>pointer(found[6])
    AES_128_GCM = cipher_fetch(NULL, b"AES-128-GCM", NULL)


def encrypts_rightly() -> bool:
    """A packet, encrypted as by the OpenSSL of `cryptography`."""
    key, salt, header, payload = bytes(range(16)), bytes(range(12)), bytes([0x80, 96, 0, 9, *range(8)]), bytes(range(100))
    nonce = bytes(a ^ b for a, b in zip(salt, bytes(2) + header[8:12] + bytes([0, 0, 0, 1, 0, 9]), strict=True))
    return GcmKey(key, salt).protect(header + payload, 1 << 16 | 9) == header + AESGCM(key).encrypt(nonce, payload, header)


def available(path: str) -> bool:
    """Takes OpenSSL's functions from the library at `path`, which is loaded already; False if it has none that work."""
    try:
        bind(ctypes.CDLL(path, os.RTLD_NOW | os.RTLD_NOLOAD))
        return encrypts_rightly()
    except (OSError, AttributeError, ValueError):
        return False


AVAILABLE = available(_binding.__file__)
if not AVAILABLE:
    logging.getLogger(__name__).warning("this pylibsrtp exports no usable OpenSSL: libsrtp encrypts what leaves, which costs more")
