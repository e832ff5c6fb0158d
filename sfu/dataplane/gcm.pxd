# AES-GCM for packets that are sent (RFC 7714), by the OpenSSL that pylibsrtp's binding carries.
from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef enum:
    GCM_SALT = 12
    GCM_TAG = 16

cdef struct GcmSender:
    void *context           # EVP_CIPHER_CTX with the session key in it; NULL: libsrtp protects
    uint64_t salt_high      # the first 8 bytes of the session salt, and the last 4
    uint32_t salt_low

# Encrypts the RTP packet `data` in place and appends its tag; *length follows. The index is the caller's to choose: it belongs to the
# packet's SSRC and sequence number, and was never used for another packet. 0, or -1: then nothing may be sent.
cdef int gcm_protect(const GcmSender *sender, uint64_t index, uint8_t *data, int *length) noexcept nogil

# What a GcmSender points to. Whoever uses it keeps this object alive; one thread at a time.
cdef class GcmKey:
    cdef GcmSender sender
