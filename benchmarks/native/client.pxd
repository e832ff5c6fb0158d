# What the sending and the draining thread know of one client and of its streams. Structs only; `media.pyx` owns them.
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from benchmarks.native.feedback cimport Arrivals, Sequence

cdef enum:
    MAX_EXTENSION = 36          # bytes of header extension that a sender may have, its own header included
    MAX_TABLE = 16              # frames after which a pattern's packet counts repeat

cdef struct Client

# One stream that a client sends. Only the sending thread writes it, but for `keyframe_wanted`.
cdef struct Sender:
    Client *client
    uint32_t ssrc
    uint32_t source             # its index: receivers learn from it whose packets they get
    uint8_t payload_type
    uint8_t video
    uint32_t clock_rate
    uint8_t extension[36]
    int extension_size
    int transport_number_at     # in the extension; -1: not negotiated
    # the pattern
    int64_t frame_ns
    int64_t gap_ns              # between packets of a frame; 0: all at once
    int packets[16]             # of each frame, repeated
    int packets_count
    int keyframe_packets
    int64_t keyframe_every      # frames
    int size_min                # bytes of RTP, header included
    int size_max
    int first_shorter           # bytes that a frame's first packet is short of the others
    # where it is
    uint16_t sequence_number
    uint16_t picture_id
    uint8_t tl0picidx
    uint8_t keyframe
    volatile int keyframe_wanted
    uint32_t timestamp
    uint64_t frame
    int in_frame
    int frame_packets
    int frame_size
    int64_t frame_due_ns
    int64_t due_ns
    int64_t next_report_ns
    int64_t first_ns
    # counters of packets
    uint64_t sent
    uint64_t octets
    uint64_t send_errors
    uint64_t keyframes
    uint64_t late               # sent over 2 ms after they were due

# One stream that a client receives.
cdef struct Stream:
    uint32_t ssrc
    uint32_t rtx_ssrc
    uint32_t clock_rate
    Sequence sequence
    uint64_t source             # whose packets the newest ones were, + 1; 0: none came
    uint64_t first_counter      # of that source
    uint64_t first_unique       # `sequence.unique` then
    uint64_t checked_counter    # of the newest packet that was decrypted
    int64_t lost_now            # of that source, up to that packet
    int64_t lost_before         # of earlier sources
    uint32_t last_sr
    int64_t last_sr_ns
    int64_t next_nack_ns

# One socket with its keys.
cdef struct Client:
    int fd
    void *receive
    void *send_media            # the sending thread's session
    void *send_feedback         # the draining thread's, of the same key, for another SSRC
    uint32_t feedback_ssrc
    uint8_t audio_payload_type
    uint8_t video_payload_type
    uint8_t rtx_payload_type
    uint8_t transport_cc_id     # 0: not negotiated
    uint16_t transport_number   # of what it sends
    Stream *streams
    int stream_count
    int stream_capacity
    Sender *senders             # the first of its own
    int sender_count
    Arrivals *arrivals
    int64_t first_arrival_ns    # CLOCK_REALTIME, the kernel's
    int64_t next_report_ns
    int64_t next_transport_feedback_ns
    # counters of packets
    uint64_t bytes
    uint64_t checked
    uint64_t corrupt
    uint64_t auth_failures
    uint64_t retransmissions
    uint64_t foreign            # RTP that belongs to none of its streams
    uint64_t rtcp
    uint64_t sender_reports
    uint64_t stun
    uint64_t dtls
    uint64_t nacked
    uint64_t plis
    uint64_t nacks
    uint64_t reports
    uint64_t transport_feedback
