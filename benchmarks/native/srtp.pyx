"""Function and session pointers of the libsrtp inside pylibsrtp. Owns nothing."""

from libc.stdint cimport uintptr_t

from pylibsrtp._binding import ffi, lib

cdef SrtpCall srtp_protect = NULL
cdef SrtpCall srtp_unprotect = NULL
cdef SrtpCall srtp_protect_rtcp = NULL
cdef SrtpCall srtp_unprotect_rtcp = NULL


cdef SrtpCall _find(str name) except NULL:
    return <SrtpCall> <uintptr_t> int(ffi.cast("uintptr_t", ffi.addressof(lib, name)))


cdef void *session_pointer(session) except NULL:
    return <void *> <uintptr_t> int(ffi.cast("uintptr_t", session._srtp[0]))


srtp_protect = _find("srtp_protect")
srtp_unprotect = _find("srtp_unprotect")
srtp_protect_rtcp = _find("srtp_protect_rtcp")
srtp_unprotect_rtcp = _find("srtp_unprotect_rtcp")
