# When a sender's next packet is due and what its frame is like.
from benchmarks.native.client cimport Sender

# Decides on the frame that begins: is it a keyframe, how many packets, how large.
cdef void frame_begin(Sender *sender) noexcept nogil
# The frame's last packet was sent: the next one is due a frame after this one was.
cdef void frame_end(Sender *sender) noexcept nogil
# A binary heap of indexes of senders, the one that is due first at 0: the sender at `at` became due later, so down with it.
cdef void schedule_sift(const Sender *senders, int *heap, int count, int at) noexcept nogil
