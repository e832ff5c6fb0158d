# Routine connectivity checks of connected clients, answered without the control plane (RFC 7675).
from libc.stdint cimport uint8_t

from sfu.dataplane.state cimport ConsentKey, Core, Endpoint, Transport

# 1 if it was one of this transport and is dealt with; 0 if it is the control plane's, and then nothing has changed.
cdef int consent_answer(Core *core, Transport *transport, uint8_t *data, size_t length, const Endpoint *source) noexcept nogil
# What Python says of it: ValueError when the user name is too long.
cdef int consent_fill(bytes username, bytes password, ConsentKey *out) except -1
