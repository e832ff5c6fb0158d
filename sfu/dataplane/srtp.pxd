# libsrtp through the function pointers that pylibsrtp's binding hands out: callable without the GIL.
from libc.stdint cimport uint8_t, uint32_t

from sfu.dataplane.gcm cimport GcmCipher, GcmCiphers

cdef enum:
    SRTP_OK = 0
    SRTP_AUTH_FAIL = 7
    SRTP_REPLAY_FAIL = 9
    SRTP_REPLAY_OLD = 10
    SRTP_TRAILER = 148          # bytes that protecting may append: index 4, tag 16, MKI 128
    SRTP_REPLAY_WINDOW = 1024   # packets of a stream received
    SRTP_RESEND_WINDOW = 512    # packets of a stream sent: libsrtp moves the whole window for every packet

# `data` is protected or unprotected in place, *length follows. Gives a status of libsrtp.
ctypedef int (*SrtpCall)(void *session, void *data, int *length) noexcept nogil
ctypedef int (*SrtpRemove)(void *session, uint32_t ssrc_network_order) noexcept nogil

cdef struct SrtpApi:
    SrtpCall protect
    SrtpCall unprotect
    SrtpCall protect_rtcp
    SrtpCall unprotect_rtcp
    SrtpRemove remove_stream

cdef int load_srtp_api(SrtpApi *api) except -1

# Both directions of one transport. Whoever uses the pointers keeps this object alive.
cdef class SrtpPair:
    cdef object _kept
    cdef void *receive          # sessions of libsrtp, NULL where the ciphers do its work
    cdef void *send
    cdef GcmCiphers gcm         # without contexts where libsrtp does it
    cdef uint8_t tag_length
    cdef GcmCipher _cipher(self, object derive, bytes key) except *
