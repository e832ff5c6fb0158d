"""When a sender's next packet is due and what its frame is like. Values only: reads no clock."""

from libc.stdint cimport int64_t, uint32_t

from benchmarks.native.client cimport Sender


cdef void frame_begin(Sender *sender) noexcept nogil:
    cdef uint32_t spread = <uint32_t> (sender.size_max - sender.size_min + 1)
    # Knuth's multiplicative hash: sizes look arbitrary and are the same in every run.
    cdef uint32_t number = <uint32_t> sender.frame * <uint32_t> 0x9E3779B1
    sender.keyframe = sender.video and (sender.keyframe_wanted or sender.frame % <uint32_t> sender.keyframe_every == 0)
    sender.keyframe_wanted = 0
    sender.keyframes += sender.keyframe
    sender.frame_packets = sender.packets[sender.frame % <uint32_t> sender.packets_count]
    if sender.keyframe and sender.keyframe_packets:
        sender.frame_packets = sender.keyframe_packets
    sender.frame_size = sender.size_min + <int> ((number >> 16) % spread)


cdef void frame_end(Sender *sender) noexcept nogil:
    sender.frame += 1
    sender.in_frame = 0
    sender.picture_id = (sender.picture_id + 1) & 0x7FFF
    sender.tl0picidx += 1
    sender.timestamp += <uint32_t> (sender.clock_rate * sender.frame_ns // 1_000_000_000)
    sender.frame_due_ns += sender.frame_ns
    sender.due_ns = sender.frame_due_ns


cdef void schedule_sift(const Sender *senders, int *heap, int count, int at) noexcept nogil:
    cdef int child, moved = heap[at]
    cdef int64_t due = senders[moved].due_ns
    while True:
        child = 2 * at + 1
        if child >= count:
            break
        if child + 1 < count and senders[heap[child + 1]].due_ns < senders[heap[child]].due_ns:
            child += 1
        if senders[heap[child]].due_ns >= due:
            break
        heap[at] = heap[child]
        at = child
    heap[at] = moved
