# What a received datagram means to a client.
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from benchmarks.native.client cimport Client, Stream

cdef enum:
    FINE = 16_384               # buckets of 1 µs
    COARSE = 16_384             # buckets of 1 ms; the last one holds everything above

# How long packets took, from the stamp in them to the kernel's receive time.
cdef struct Latencies:
    uint64_t fine[16_384]
    uint64_t coarse[16_384]
    uint64_t count
    uint64_t longest_us

# True: a STUN request that the caller should answer.
cdef bint datagram_receive(Client *client, uint8_t *data, size_t length, int64_t arrival_ns, int check_every, uint32_t sources,
                           Latencies *latencies) noexcept nogil
# The latency in µs that `share` of the packets did not exceed, rounded up to its bucket's end.
cdef uint64_t latency_at(const Latencies *latencies, double share) noexcept nogil
