# Heap blocks of exactly the length asked for, so that a sanitizer sees a single byte read or written beyond. For Python
# views only.
from libc.stdint cimport uint8_t

cdef class Exact:
    cdef uint8_t *data
    cdef size_t length
    cdef bytes first(self, size_t length)

cdef Exact exact_copy(bytes source)
