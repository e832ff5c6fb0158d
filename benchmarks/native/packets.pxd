# The packets that the benchmark's clients send, and how receivers know them again.
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from benchmarks.native.client cimport Sender

cdef enum:
    DATAGRAM = 2048
    STAMP_AT = 16               # of the stamp, from the payload's start: behind what a codec's header may hold
    BODY_AT = 36                # stamp, counter and source come before it
    SMALLEST = 12 + 36 + 36     # RTP header, the largest extension, and what comes before the body

# What a receiver reads in a packet.
cdef struct Mark:
    int64_t sent_ns             # CLOCK_REALTIME
    uint64_t counter            # of the sender's packets
    uint32_t source

# Writes the sender's next packet, not yet encrypted, and gives its size. `last`: of its frame.
cdef int packet_write(uint8_t *out, Sender *sender, int first, int last) noexcept nogil
# 0 where the decrypted payload is what some sender wrote.
cdef int packet_check(const uint8_t *payload, size_t length, Mark *mark) noexcept nogil
# A sender report with the CNAME; gives its size.
cdef int sender_report_write(uint8_t *out, const Sender *sender, int64_t wall_ns) noexcept nogil
