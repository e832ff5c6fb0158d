# The view of one RTP packet: offsets into a datagram, every one checked once, here.
from libc.stdint cimport uint8_t, uint16_t, uint32_t

cdef enum:
    RTP_HEADER_SIZE = 12
    MAX_EXTENSIONS = 16

cdef struct ExtensionView:
    uint8_t id
    uint8_t length
    uint16_t offset         # of the value, from the start of the datagram

cdef struct RtpView:
    uint8_t *data
    uint16_t length         # of the whole packet, with padding
    uint16_t header_length  # fixed header + CSRCs + extension block
    uint16_t payload_length # without padding; valid after check_padding
    uint8_t padding_length  # valid after check_padding
    uint8_t payload_type
    uint8_t marker
    uint8_t has_padding
    uint8_t extension_count
    uint16_t sequence_number
    uint32_t timestamp
    uint32_t ssrc
    ExtensionView extensions[16]

# Both give a DropReason, DROP_NONE when all is well. parse_header reads what SRTP leaves in the clear (before
# unprotect); check_padding reads what it encrypts, so it comes after unprotect and is given the plain length.
cdef int parse_header(uint8_t *data, size_t length, RtpView *view) noexcept nogil
cdef int check_padding(RtpView *view, size_t length) noexcept nogil
# NULL where the packet does not carry it.
cdef const ExtensionView *find_extension(const RtpView *view, uint8_t id) noexcept nogil
