# What the control side wants done: a list without locks, applied by the engine's thread between two datagrams.
from sfu.dataplane.gcm cimport GcmCiphers
from sfu.dataplane.state cimport (
    CNAME_SIZE,
    MAX_FORMATS,
    MAX_LAYERS,
    MAX_SSRCS,
    MID_SIZE,
    Command,
    Core,
    Endpoint,
    Layer,
    ReceiveTable,
    SlotFormat,
)
from sfu.dataplane.rewrite cimport SlotHeader
from libc.stdint cimport uint8_t, uint32_t, uint64_t, int64_t

cdef enum CommandKind:
    COMMAND_ADD_TRANSPORT = 0
    COMMAND_REMOVE_TRANSPORT
    COMMAND_ADD_ADDRESS
    COMMAND_REMOVE_ADDRESS
    COMMAND_SELECT_ADDRESS
    COMMAND_SET_SRTP
    COMMAND_SET_RECEIVE
    COMMAND_SET_CONSENT
    COMMAND_ADD_TRACK
    COMMAND_UPDATE_TRACK
    COMMAND_REMOVE_TRACK
    COMMAND_ADD_SLOT
    COMMAND_UPDATE_SLOT
    COMMAND_REMOVE_SLOT
    COMMAND_ROUTE
    COMMAND_KEYFRAME
    COMMAND_SEND
    COMMAND_COUNT

# Arguments of some of them, made and freed by the control side.
cdef struct SrtpConfig:
    void *receive
    void *send
    GcmCiphers gcm
    uint8_t tag_length

cdef struct TrackConfig:
    Layer *layers[MAX_LAYERS]       # those that stay, and new ones
    uint8_t layer_count
    uint8_t simulcast
    uint8_t nack
    uint8_t transport_cc
    int64_t keyframe_interval_us
    uint8_t mid_length
    uint8_t mid[MID_SIZE]
    uint8_t ssrc_count
    uint32_t ssrcs[MAX_SSRCS]
    uint32_t rtx_ssrcs[MAX_SSRCS]
    uint64_t payload_types[2]

cdef struct SlotConfig:
    SlotHeader header
    SlotHeader rtx_header
    SlotFormat formats[MAX_FORMATS]
    uint8_t cname_length
    char cname[CNAME_SIZE]

# Control side. The command is malloced by the caller, and its again once it comes back.
cdef void command_push(Core *core, Command *command) noexcept nogil
cdef Command *commands_finished(Core *core) noexcept nogil      # a list by `next`, in no order
# The engine's thread.
cdef void commands_apply(Core *core) noexcept nogil
