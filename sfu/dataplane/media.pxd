# What a packet's payload says, read in one way when the packet comes in and when it is read back from history: a retransmission
# is munged as the first sending was.
from sfu.dataplane.codec cimport parse_descriptor, parse_payload
from sfu.dataplane.packet cimport ExtensionView, RtpView, find_extension
from sfu.dataplane.state cimport EXTENSION_DEPENDENCY_DESCRIPTOR, Pending, Transport


cdef inline void parse_media(const Transport *transport, Pending *packet) noexcept nogil:
    cdef RtpView *view = &packet.view
    cdef const ExtensionView *descriptor
    packet.payload_known = parse_payload(packet.format, view.data + view.header_length, view.payload_length, &packet.payload) == 0
    descriptor = find_extension(view, transport.receive.extensions.id[<int>EXTENSION_DEPENDENCY_DESCRIPTOR])
    if descriptor != NULL and packet.payload_known:
        parse_descriptor(view.data + descriptor.offset, descriptor.length, &packet.payload)
