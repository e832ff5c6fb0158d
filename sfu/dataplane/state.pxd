# The objects of one engine and how they point at each other. Structs only: whoever changes one is named beside it.
#
# Everything here belongs to the thread that runs the engine. The control side allocates and frees these objects, hands them over
# by commands and gets them back by the same command; in between it only reads counters.
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t, int64_t

from sfu.dataplane.codec cimport PayloadView, PictureDelta, PictureMap
from sfu.dataplane.digest cimport HmacKey
from sfu.dataplane.gcm cimport GcmCipher
from sfu.dataplane.history cimport History
from sfu.dataplane.packet cimport RtpView
from sfu.dataplane.packet_index cimport PacketIndex
from sfu.dataplane.reasons cimport CLOSE_COUNT, DROP_COUNT
from sfu.dataplane.nack cimport NackList
from sfu.dataplane.receive cimport ReceiveStats
from sfu.dataplane.replay cimport RtcpReplay, RtpReplay
from sfu.dataplane.rewrite cimport ExtensionIds, SlotHeader
from sfu.dataplane.clock cimport SenderClock
from sfu.dataplane.seqmap cimport SequenceMap, TimestampMap
from sfu.dataplane.srtp cimport SrtpApi
from sfu.dataplane.arrivals cimport ArrivalLog
from sfu.dataplane.sent cimport SentLog

cdef enum:
    MAX_LAYERS = 4
    MAX_SSRCS = 16          # that a track may signal
    MAX_ADDRESSES = 8       # a transport
    MAX_STREAMS = 64        # SSRCs that a transport may send us
    MAX_ENDED = 64          # SSRCs of removed slots that a transport remembers
    MAX_PENDING = 64        # packets between two flushes of the engine
    MAX_DATAGRAM = 1500     # bytes of UDP payload; longer ones are dropped
    MAX_FORMATS = 16
    MID_SIZE = 16
    CNAME_SIZE = 64
    CONSENT_NAME = 128      # bytes of a user name in routine checks
    NONE16 = 0xFFFF
    SLOTS_AHEAD = 5         # far enough that its memory is there in time
    LATENCY_BUCKETS = 18

cdef enum:
    KIND_AUDIO = 0          # types.Kind
    KIND_VIDEO = 1

cdef enum Traffic:          # what a datagram carries, for the counters
    TRAFFIC_AUDIO = 0
    TRAFFIC_VIDEO
    TRAFFIC_RTX
    TRAFFIC_RTCP
    TRAFFIC_STUN
    TRAFFIC_DTLS
    TRAFFIC_COUNT

cdef enum Direction:
    DIRECTION_IN = 0
    DIRECTION_OUT = 1

cdef enum Extension:        # types.Extension
    EXTENSION_MID = 1
    EXTENSION_RID = 2
    EXTENSION_REPAIRED_RID = 3
    EXTENSION_AUDIO_LEVEL = 4
    EXTENSION_ABS_SEND_TIME = 5
    EXTENSION_TRANSPORT_CC = 6
    EXTENSION_DEPENDENCY_DESCRIPTOR = 7
    EXTENSION_COUNT = 16

# IPv4 as ::ffff:a.b.c.d; the port in host order. A TCP connection is an address of its own: its number is never another's.
cdef struct Endpoint:
    uint8_t ip[16]
    uint32_t scope
    uint32_t connection     # 0: UDP
    uint16_t port

cdef struct Counters:
    uint64_t packets[2][TRAFFIC_COUNT]
    uint64_t bytes[2]
    uint64_t dropped[DROP_COUNT]
    uint64_t nacks[2]
    uint64_t keyframe_requests[2]
    uint64_t retransmissions
    uint64_t layer_switches
    uint64_t latency[LATENCY_BUCKETS]
    uint64_t latency_sum_us
    uint64_t busy_us
    uint64_t elapsed_us
    uint64_t connections    # of TCP, open now
    uint64_t closed[CLOSE_COUNT]

# What a transport may receive (set_receive).
cdef struct ReceiveTable:
    uint8_t formats[128]    # types.Format, 0: not negotiated
    uint8_t repairs[128]    # RTX: the payload type repaired; 255: not RTX
    ExtensionIds extensions

# Whose routine checks are answered (consent.pyx).
cdef struct ConsentKey:
    HmacKey hmac
    uint8_t name_length     # 0: nobody's
    uint8_t exact           # the whole USERNAME; else what it begins with
    uint8_t name[CONSENT_NAME]

cdef struct Transport
cdef struct Track
cdef struct Slot

# keyframes.pyx
cdef struct KeyframeRequest:
    uint8_t wanted
    uint8_t tries
    int64_t sent_us
    uint64_t sent           # requests in all

# One encoding of a track. binding.pyx gives it its SSRC, ingress.pyx everything else.
cdef struct Layer:
    Track *track
    uint8_t index
    uint8_t rid_length
    uint8_t rid[MID_SIZE]
    uint8_t bound
    uint8_t live
    uint8_t dirty           # has pending packets
    uint8_t format          # of the newest packet
    uint32_t ssrc
    uint32_t source         # changes when sequence numbers, clock or codec start anew
    uint16_t pending_first  # in Core.pending
    uint16_t pending_last
    Layer *next_dirty
    int64_t last_packet_us
    int64_t active_since_us
    uint64_t keyframe       # extended number of the newest keyframe's first packet, 0: none
    uint32_t keyframe_timestamp
    KeyframeRequest request
    SenderClock clock
    History history
    ReceiveStats stats
    NackList nacks

# RFC 6464 levels since the control side looked last; the epoch lets it reset without writing here.
cdef struct LevelSum:
    uint64_t epoch
    uint64_t packets
    uint64_t sum
    uint8_t loudest
    uint8_t voice

cdef struct Track:
    int64_t handle
    Transport *transport
    Track *next             # of the transport
    Slot *slots             # those that it fills
    Slot *first[SLOTS_AHEAD]    # of them, NULL where there are fewer: prefetched as soon as a packet is there
    Layer *layers[MAX_LAYERS]
    uint8_t layer_count
    uint8_t simulcast       # has RIDs
    uint8_t kind
    uint8_t nack
    uint8_t transport_cc
    int64_t keyframe_interval_us
    uint8_t mid_length
    uint8_t mid[MID_SIZE]
    uint8_t ssrc_count
    uint32_t ssrcs[MAX_SSRCS]
    uint32_t rtx_ssrcs[MAX_SSRCS]       # of ssrcs[i]; 0: none
    uint64_t payload_types[2]           # bit map
    int64_t last_packet_us
    LevelSum levels[2]      # by the epoch's parity

cdef struct SlotFormat:
    uint8_t payload_type    # 255: not negotiated
    uint8_t rtx_payload_type    # 255: none
    uint8_t nack

# What a retransmission needs so as to be the same packet again (retransmit.pyx).
cdef struct SentRecord:
    uint32_t source         # 0: empty
    uint32_t timestamp
    uint32_t abs_send_time
    uint32_t resent_ms      # when it was sent or sent again
    uint16_t sequence_number
    uint16_t source_sequence_number
    uint16_t transport_sequence_number
    uint8_t format
    uint8_t resends
    uint8_t padding         # bytes appended
    PictureDelta picture

cdef struct Slot:
    # read for every packet
    Transport *transport
    Layer *current
    Layer *target
    Slot *next_of_track
    Slot *previous_of_track
    Slot *ahead             # SLOTS_AHEAD further in the track's list: what is prefetched, never read
    uint32_t current_source
    uint8_t kind
    uint8_t last_marker
    uint8_t refusals        # keyframes in a row that timestamps refused
    uint8_t max_layer
    SentRecord *sent
    uint32_t sent_mask
    SlotHeader header
    SlotFormat formats[MAX_FORMATS]
    TimestampMap timestamps
    PictureMap pictures
    uint64_t packets
    uint64_t octets         # RTP payload (RFC 3550 sender report)
    uint64_t bytes
    PacketIndex index
    SequenceMap sequence
    # read at times
    int64_t handle
    Track *track
    Slot *next              # of the transport
    SlotHeader rtx_header
    uint16_t rtx_sequence_number
    PacketIndex rtx_index
    uint64_t retransmissions
    uint64_t nacks_received
    uint64_t keyframe_requests_received
    uint64_t layer_switches
    uint8_t fraction_lost
    uint32_t jitter
    uint32_t reported_packets   # sent when the last sender report was
    int64_t keyframe_asked_us
    uint8_t cname_length
    char cname[CNAME_SIZE]

# An SSRC that a transport sends (binding.pyx).
cdef struct Stream:
    Layer *layer            # NULL: belongs to no track so far
    uint8_t is_rtx
    uint8_t replaced        # another SSRC took its layer
    int64_t last_us
    RtpReplay replay        # where libsrtp does not do it
    RtcpReplay rtcp_replay

# So that a slot that comes back with its SSRCs goes on counting: never one index twice under one key.
cdef struct EndedStream:
    uint64_t index          # the highest
    uint32_t ssrc

cdef struct Transport:
    # used for every packet sent: two cache lines
    GcmCipher gcm_send      # without a context where libsrtp does it
    void *srtp_send         # sessions of libsrtp, NULL where the ciphers do its work
    Endpoint remote
    uint8_t has_remote
    uint8_t secured         # it has keys
    uint8_t reporting       # its timer runs for the reports of its slots
    uint8_t sent_started
    uint32_t held           # the TCP connection whose receiver is too slow for video (tcp.pyx)
    uint32_t chain_epoch    # transmit.pyx: of its newest entry in the queue
    uint16_t chain_last
    uint64_t packets_sent
    uint64_t bytes_sent
    int64_t handle          # used at times, as what follows
    uint32_t index          # in Core.transports
    uint32_t rtcp_index     # of the newest compound sent, whatever its SSRC; libsrtp counts by itself
    uint8_t tag_length
    uint8_t transport_cc    # a track asked for feedback
    void *srtp_receive
    GcmCipher gcm_receive
    GcmCipher gcm_receive_rtcp
    GcmCipher gcm_send_rtcp
    uint64_t packets_received
    uint64_t bytes_received
    Track *tracks
    Slot *slots
    uint32_t stream_ssrcs[MAX_STREAMS]
    uint8_t stream_count
    uint8_t last_stream     # where the last look-up found it
    uint8_t address_count
    uint8_t ended_count
    Endpoint addresses[MAX_ADDRESSES]   # oldest first
    uint8_t cells[MAX_ADDRESSES]        # of addresses[i], in checked_us
    uint64_t checked_us[MAX_ADDRESSES]  # last routine check; read by the control thread, which gives out the places
    ConsentKey consent
    ReceiveTable receive
    int64_t rtt_us
    uint64_t events_until   # events.pyx: its newest event ends here in the ring
    uint64_t events_waiting # bytes of its events that may still be unread
    int64_t clock_offset_us     # shared by its layers' SenderClocks
    int64_t clock_set_us
    uint32_t feedback_ssrc      # sender SSRC of our receiver reports
    uint32_t feedback_media_ssrc
    int64_t active_us           # last authenticated RTP packet
    uint64_t heard_us           # last packet or routine check that was authentic
    int64_t next_feedback_us
    int64_t next_check_us
    int64_t next_report_us
    uint8_t arrivals_started
    char cname[CNAME_SIZE]
    uint8_t cname_length
    SentLog sent
    Stream streams[MAX_STREAMS]         # last what few use all of: its pages stay untouched
    EndedStream ended[MAX_ENDED]
    ArrivalLog arrivals

# A media packet on its way from a layer to the slots; `view` points into the datagram's buffer until the flush.
cdef struct Pending:
    RtpView view
    PayloadView payload
    int64_t arrival_us
    uint16_t next
    uint8_t format
    uint8_t payload_known
    uint8_t padding_only
    uint8_t retransmitted
    uint8_t padding         # bytes that bring it level with its neighbours

cdef struct TransmitEntry:  # transmit.pyx
    uint8_t *data
    uint16_t length
    uint16_t next           # of the same transport
    Endpoint remote
    uint8_t traffic
    int64_t arrival_us      # of the packet that it forwards, 0 for anything else

cdef struct TransmitQueue:
    uint8_t *arena
    size_t arena_size
    size_t used
    TransmitEntry *entries
    uint16_t *chains        # first entry of each transport
    uint16_t capacity
    uint16_t count
    uint16_t head           # next to be polled
    uint16_t chain_count
    uint32_t epoch
    size_t flush_bytes      # a worker empties it from here on
    void (*flush)(void *context) noexcept nogil
    void *flush_context
    void (*stream)(void *context, const Endpoint *remote, const uint8_t *data, size_t length, int traffic) noexcept nogil
    void *stream_context    # a worker's TCP connections; NULL without any

# strangers.pyx
cdef struct Stranger:
    uint64_t key[2]         # an address, or the network that counts as one
    int64_t due_us

cdef struct StrangerTable:
    Stranger *places
    uint64_t seed

# events.pyx
cdef struct EventRing:
    uint8_t *bytes
    uint64_t size           # a power of two
    uint64_t written        # by the engine's thread
    uint64_t read           # by the control thread
    uint64_t announced      # `written` when the control thread was woken last
    StrangerTable strangers

# addresses.pyx
cdef struct AddressEntry:
    Endpoint endpoint
    uint8_t state           # 0 free, 1 used
    Transport *transport

cdef struct AddressTable:
    AddressEntry *entries
    uint32_t mask
    uint32_t count
    uint64_t seed

cdef struct Command

cdef struct Core:
    int64_t now_us
    int64_t ntp_offset_us
    int64_t next_timer_us
    uint64_t random
    uint32_t sources        # last value given to a Layer.source
    uint64_t level_epoch    # moved on by the control thread
    SrtpApi srtp
    Counters counters
    AddressTable addresses
    Transport **transports
    int64_t *deadlines      # by Transport.index
    uint32_t transport_count
    uint32_t max_transports
    Layer *dirty
    Pending pending[MAX_PENDING]
    uint16_t pending_count
    TransmitQueue queue
    EventRing events
    Command *incoming       # commands.pyx: newest first
    Command *finished

# commands.pyx. `keep` is a Python object that only the control side touches: it owns what the command hands over or gives back.
cdef struct Command:
    Command *next
    int kind
    void *object
    void *argument
    int64_t value
    Endpoint endpoint
    void *keep
