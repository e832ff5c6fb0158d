"""Heap blocks of exactly the length asked for: what the Python views made for tests give to C functions.

Owns: such blocks. Never used on the packet path.
"""

from libc.stdlib cimport free, malloc
from libc.string cimport memcpy


cdef class Exact:
    """`length` bytes of its own."""

    def __cinit__(self, length: int) -> None:
        cdef Py_ssize_t size = length
        if size < 0:
            raise ValueError(f"a negative length: {size}")
        self.length = <size_t> size
        self.data = <uint8_t *> malloc(self.length)
        if self.data == NULL and size:
            raise MemoryError

    def __dealloc__(self) -> None:
        free(self.data)

    cdef bytes first(self, size_t length):
        # A writer that claims more than it was given is a defect of ours.
        if length > self.length:
            raise AssertionError(f"{length} bytes written into {self.length}")
        return <bytes> self.data[:length]


cdef Exact exact_copy(bytes source):
    cdef Exact copy = Exact(len(source))
    if copy.length:
        memcpy(copy.data, <const char *> source, copy.length)
    return copy
