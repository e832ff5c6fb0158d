# libsrtp's functions, out of the pylibsrtp wheel, callable without the GIL.

ctypedef int (*SrtpCall)(void *session, void *packet, int *length) noexcept nogil

cdef SrtpCall srtp_protect
cdef SrtpCall srtp_unprotect
cdef SrtpCall srtp_protect_rtcp
cdef SrtpCall srtp_unprotect_rtcp

# The session behind a pylibsrtp.Session; the caller keeps the Python object alive.
cdef void *session_pointer(session) except NULL
