"""Owns the memory of transports, tracks, layers and slots: each is a block that lives as long as its record.

A transport has pages of its own: most of it is room for many SSRCs, which whoever only receives never touches.

A record is kept by the engine's tables while its handle is valid and by the command that removes it until the engine's
thread is done with it. Blocks are zeroed; the kernel commits their pages when they are first used.
"""

from libc.stdint cimport uint8_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from sfu.dataplane.binding cimport clock_rate_of
from sfu.dataplane.clock cimport clock_init
from sfu.dataplane.history cimport HistoryEntry, history_init
from sfu.dataplane.params cimport fill_rid
from sfu.dataplane.state cimport KIND_VIDEO, SentRecord

cdef extern from * nogil:
    """
    #include <stdlib.h>
    #include <sys/mman.h>
    #ifdef __SANITIZE_ADDRESS__     /* it watches the heap */
    static void *ciranda_pages(size_t size) { return calloc(1, size); }
    static void ciranda_pages_free(void *block, size_t size) { (void)size; free(block); }
    #else
    static void *ciranda_pages(size_t size) {
        void *made = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return made == MAP_FAILED ? NULL : made;
    }
    static void ciranda_pages_free(void *block, size_t size) { munmap(block, size); }
    #endif
    """
    void *pages "ciranda_pages"(size_t size)
    void pages_free "ciranda_pages_free"(void *block, size_t size)

cdef enum:
    # Packets and bytes that a layer's history and a slot's memory hold (ALGORITHMS 7); powers of two.
    VIDEO_PACKETS = 1024
    VIDEO_BYTES = 1310720
    VIDEO_AGE_US = 2000000
    AUDIO_PACKETS = 256
    AUDIO_BYTES = 65536
    AUDIO_AGE_US = 5000000
    CACHE_LINE = 64
    COLOURS = 32


# What every packet touches shall be in as few cache lines as it can.
cdef inline void *aligned(void *block) noexcept nogil:
    return <void *>((<size_t>block + CACHE_LINE - 1) & ~<size_t>(CACHE_LINE - 1))


cdef class LayerRecord:
    def __cinit__(self, str rid, uint8_t kind):
        cdef int packets = VIDEO_PACKETS if kind == KIND_VIDEO else AUDIO_PACKETS
        cdef int size = VIDEO_BYTES if kind == KIND_VIDEO else AUDIO_BYTES
        cdef uint8_t *block = <uint8_t *>calloc(1, sizeof(Layer) + packets * sizeof(HistoryEntry) + size)
        if block == NULL:
            raise MemoryError
        self.layer = <Layer *>block
        self.rid = rid
        block += sizeof(Layer)
        history_init(&self.layer.history, <HistoryEntry *>block, packets, block + packets * sizeof(HistoryEntry), size,
                     VIDEO_AGE_US if kind == KIND_VIDEO else AUDIO_AGE_US)
        clock_init(&self.layer.clock, clock_rate_of(kind))
        if rid:
            fill_rid(rid, self.layer.rid, &self.layer.rid_length)

    def __dealloc__(self):
        free(self.layer)


cdef class TransportRecord:
    def __cinit__(self, int64_t handle, str cname):
        cdef bytes text = cname.encode("ascii")
        self.block = pages(sizeof(Transport) + COLOURS * CACHE_LINE)
        if self.block == NULL:
            raise MemoryError
        # Not all at the same place of a page: that would be the same place in the nearest cache, too.
        self.transport = <Transport *>(<uint8_t *>self.block + <size_t>CACHE_LINE * (<uint64_t>handle % COLOURS))
        self.transport.handle = handle
        self.transport.cname_length = len(text)
        memcpy(self.transport.cname, <const char *>text, len(text))
        self.tracks = {}
        self.slots = {}
        self.addresses = {}

    def __dealloc__(self):
        if self.block != NULL:
            pages_free(self.block, sizeof(Transport) + COLOURS * CACHE_LINE)


cdef class TrackRecord:
    def __cinit__(self, int64_t handle, TransportRecord owner, params):
        self.track = <Track *>calloc(1, sizeof(Track))
        if self.track == NULL:
            raise MemoryError
        self.track.handle = handle
        self.track.transport = owner.transport
        self.track.kind = int(params.kind)
        self.owner = owner
        self.params = params
        self.layers = []

    def __dealloc__(self):
        free(self.track)


cdef class SlotRecord:
    def __cinit__(self, int64_t handle, TransportRecord owner, params):
        cdef uint8_t kind = int(params.kind)
        cdef int packets = VIDEO_PACKETS if kind == KIND_VIDEO else AUDIO_PACKETS
        self.block = calloc(1, sizeof(Slot) + <size_t>CACHE_LINE)
        if self.block == NULL:
            raise MemoryError
        self.slot = <Slot *>aligned(self.block)
        self.slot.sent = <SentRecord *>calloc(packets, sizeof(SentRecord))
        if self.slot.sent == NULL:
            raise MemoryError
        self.slot.sent_mask = packets - 1
        self.slot.handle = handle
        self.slot.kind = kind
        self.slot.transport = owner.transport
        self.owner = owner
        self.params = params

    def __dealloc__(self):
        if self.slot != NULL:
            free(self.slot.sent)
        free(self.block)
