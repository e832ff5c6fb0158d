# What forwarding must know of a payload, codec by codec: where a keyframe starts and the numbers that must stay
# continuous.
from libc.stdint cimport uint8_t

# One address for all that a forwarder needs of payloads.
from sfu.dataplane.av1 cimport parse_descriptor
from sfu.dataplane.payload cimport PayloadView
from sfu.dataplane.pictures cimport (
    PictureDelta, PictureMap, picture_map_apply, picture_map_init, picture_map_switch, rewrite_payload,
)

# format: a sfu.dataplane.types.Format. Gives 0, or -1 for a payload that contradicts its own format (it is then never
# taken for a keyframe and never rewritten: the view is all zero). Where the source packet carries a dependency
# descriptor, parse_descriptor comes between this and picture_map_apply.
cdef int parse_payload(int format, const uint8_t *payload, size_t length, PayloadView *view) noexcept nogil
