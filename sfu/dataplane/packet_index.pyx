"""Which packet index a sequence number stands for, and that none is used for two packets under one key.

Under AES-GCM two different packets with one index give away both, and the key of the tags (RFC 7714, section 8). So an index is
taken before anything is encrypted with it, once; to take it again is for the same packet only, and for that the caller vouches
(retransmit.pyx). What is older than the window is refused either way. Owns no key: whoever changes a key begins with zeroes.
"""

from libc.string cimport memset


# The numbers from `first` to before `end` are not sent so far.
cdef inline void forget(PacketIndex *index, uint64_t first, uint64_t end) noexcept nogil:
    if end - first >= SRTP_RESEND_WINDOW:
        memset(index.sent, 0, sizeof(index.sent))
        return
    while first < end:
        index.sent[(first >> 6) % INDEX_WORDS] &= ~(<uint64_t>1 << (first & 63))
        first += 1


cdef int64_t index_take(PacketIndex *index, uint16_t sequence_number, IndexUse use) noexcept nogil:
    cdef uint64_t number = index_estimate(index.highest, sequence_number)
    cdef uint64_t *word = &index.sent[(number >> 6) % INDEX_WORDS]
    cdef uint64_t bit = <uint64_t>1 << (number & 63)
    if number > index.highest:
        if use != INDEX_FIRST or number > LAST_INDEX:
            return -1
        forget(index, index.highest + 1, number)
        index.highest = number
    elif index.highest - number >= SRTP_RESEND_WINDOW or (word[0] & bit != 0) != (use == INDEX_AGAIN):
        return -1
    word[0] |= bit
    return <int64_t>number


cdef void index_resume(PacketIndex *index, uint64_t highest) noexcept nogil:
    index.highest = highest
    memset(index.sent, 0xFF, sizeof(index.sent))


# -- the module's Python view, for tests and tools: nothing on the packet path comes below -----------------------------

cdef class Index:
    """A `PacketIndex`. `take` gives None where nothing may be encrypted."""

    cdef PacketIndex inner

    def take(self, uint16_t sequence_number, *, bint again=False):
        number = index_take(&self.inner, sequence_number, INDEX_AGAIN if again else INDEX_FIRST)
        return number if number >= 0 else None

    def resume(self, uint64_t highest):
        index_resume(&self.inner, highest)
