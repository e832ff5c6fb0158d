# The packet index of one SSRC that is sent (RFC 3711, section 3.3.1): 2**16 × rollover counter + sequence number.
from libc.stdint cimport int64_t, uint16_t, uint64_t

from sfu.dataplane.srtp cimport SRTP_RESEND_WINDOW

cdef enum:
    HALF_OF_NUMBERS = 0x8000
    LAST_INDEX = 0xFFFFFFFFFFFF # RFC 3711, section 9.2: at most 2**48 packets with one key
    INDEX_WORDS = 8             # SRTP_RESEND_WINDOW / 64

cdef enum IndexUse:
    INDEX_FIRST = 0             # a packet that was never sent
    INDEX_AGAIN = 1             # one that was, bit for bit

# All zero: nothing was sent under this key.
cdef struct PacketIndex:
    uint64_t highest
    uint64_t sent[INDEX_WORDS]  # ring of bits: the newest SRTP_RESEND_WINDOW indices up to `highest`

# The number's index, now noted as sent, or -1 if no packet may be encrypted with it.
cdef int64_t index_take(PacketIndex *index, uint16_t sequence_number, IndexUse use) noexcept nogil
# The stream goes on behind `highest`; whatever came before is over.
cdef void index_resume(PacketIndex *index, uint64_t highest) noexcept nogil

# The index that a sequence number stands for, beside the newest one (RFC 3711, appendix A).
cdef inline uint64_t index_estimate(uint64_t highest, uint16_t sequence_number) noexcept nogil:
    cdef uint64_t rollovers = highest >> 16
    cdef int newest = <int>(highest & 0xFFFF)
    if newest < HALF_OF_NUMBERS:
        if sequence_number - newest > HALF_OF_NUMBERS and rollovers:
            rollovers -= 1
    elif newest - HALF_OF_NUMBERS > sequence_number:
        rollovers += 1
    return rollovers << 16 | sequence_number
