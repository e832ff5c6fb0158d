# AES-GCM for SRTP and SRTCP (RFC 7714), by the OpenSSL that pylibsrtp's binding carries.
from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef enum:
    GCM_SALT = 12
    GCM_TAG = 16
    GCM_RTCP_INDEX = 0x7FFFFFFF     # the highest

cdef struct GcmCipher:
    void *context           # EVP_CIPHER_CTX with a session key in it; NULL: libsrtp does the work
    uint64_t salt_high      # the first 8 bytes of the session salt, and the last 4
    uint32_t salt_low

# All directions of one transport.
cdef struct GcmCiphers:
    GcmCipher send
    GcmCipher receive
    GcmCipher receive_rtcp
    GcmCipher send_rtcp

# In place; *length follows. 0, or -1: what is in `data` then is nothing that may be used.

# Encrypts the RTP packet and appends its tag. The index is the caller's to choose: it belongs to the packet's SSRC and sequence
# number, and was never used for another packet.
cdef int gcm_protect(const GcmCipher *cipher, uint64_t index, uint8_t *data, int *length) noexcept nogil
# Decrypts the SRTP packet, whose header of `header` bytes has been checked, if its tag is right.
cdef int gcm_unprotect(const GcmCipher *cipher, uint64_t index, int header, uint8_t *data, int *length) noexcept nogil
# Encrypts the RTCP compound, and appends its tag and index, which was never used before.
cdef int gcm_protect_rtcp(const GcmCipher *cipher, uint32_t index, uint8_t *data, int *length) noexcept nogil
# Decrypts the SRTCP compound, or only checks it where it says that it is not encrypted.
cdef int gcm_unprotect_rtcp(const GcmCipher *cipher, uint8_t *data, int *length) noexcept nogil
# The index that an SRTCP compound gives itself; of anything shorter than SRTCP_HEADER and what is appended: undefined.
cdef uint32_t gcm_rtcp_index(const uint8_t *data, int length) noexcept nogil

# What a GcmCipher points to. Whoever uses it keeps this object alive; one thread at a time.
cdef class GcmKey:
    cdef GcmCipher cipher
