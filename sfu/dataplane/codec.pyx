"""The one door to payloads: which parser reads which format.

Owns the table of formats. Never decodes, and trusts nothing: what contradicts its own format is forwarded as it is, by
the caller, but never starts a keyframe and is never rewritten.
"""

from libc.string cimport memset

from sfu.dataplane.av1 cimport parse_av1
from sfu.dataplane.exact cimport Exact, exact_copy
from sfu.dataplane.h264 cimport parse_h264
from sfu.dataplane.vpx cimport parse_vp8, parse_vp9

cdef enum:
    # sfu.dataplane.types.Format; a test holds the two together.
    OPUS = 1
    VP8 = 2
    VP9_PROFILE_0 = 3
    VP9_PROFILE_2 = 4
    H264_FIRST = 5
    H264_LAST = 9
    AV1 = 10


cdef int parse_payload(int format, const uint8_t *payload, size_t length, PayloadView *view) noexcept nogil:
    cdef int result = -1
    memset(view, 0, sizeof(PayloadView))
    if length == 0:
        return -1
    if format == OPUS:
        return 0
    if format == VP8:
        result = parse_vp8(payload, length, view)
    elif format == VP9_PROFILE_0 or format == VP9_PROFILE_2:
        result = parse_vp9(payload, length, view)
    elif H264_FIRST <= format <= H264_LAST:
        result = parse_h264(payload, length, view)
    elif format == AV1:
        result = parse_av1(payload, length, view)
    if result < 0:
        memset(view, 0, sizeof(PayloadView))
    return result


# -- the module's Python view, for tests and tools: nothing on the packet path comes below -----------------------------

def parse(int format, bytes payload, bytes descriptor=None):
    """The payload's `PayloadView` as a dict, or None for one that contradicts its own format."""
    cdef PayloadView view
    cdef Exact block = exact_copy(payload)
    cdef Exact extension
    cdef int result = parse_payload(format, block.data, block.length, &view)
    if descriptor is not None:
        extension = exact_copy(descriptor)
        parse_descriptor(extension.data, extension.length, &view)
    return view if result == 0 else None


cdef class Pictures:
    """A `PictureMap`. `forward` gives a payload as it is sent, and the delta with which `again` repeats it."""

    cdef PictureMap inner

    def __init__(self):
        picture_map_init(&self.inner)

    def switch(self):
        picture_map_switch(&self.inner)

    def forward(self, int format, bytes payload, bytes descriptor=None):
        cdef PayloadView view
        cdef PictureDelta delta
        cdef Exact block = exact_copy(payload)
        parse_payload(format, block.data, block.length, &view)
        if descriptor is not None:
            parse_descriptor(<const uint8_t *><const char *>descriptor, len(descriptor), &view)
        delta = picture_map_apply(&self.inner, &view)
        rewrite_payload(block.data, block.length, &view, delta)
        return block.first(block.length), delta


def again(int format, bytes payload, PictureDelta delta):
    """The payload rewritten with a delta (a dict) that `Pictures.forward` gave."""
    cdef PayloadView view
    cdef Exact block = exact_copy(payload)
    parse_payload(format, block.data, block.length, &view)
    rewrite_payload(block.data, block.length, &view, delta)
    return block.first(block.length)
