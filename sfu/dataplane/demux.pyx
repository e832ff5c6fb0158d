"""The engine's entrance: DTLS and all STUN but routine checks go up as events, RTP and RTCP to the transport whose address it is.

Owns the classification of datagrams. STUN is the only thing that may come from anywhere.
"""

from sfu.dataplane.addresses cimport address_find
from sfu.dataplane.consent cimport consent_answer
from sfu.dataplane.events cimport EVENT_DTLS, EVENT_STUN, event_datagram
from sfu.dataplane.feedback_in cimport receive_rtcp
from sfu.dataplane.ingress cimport receive_rtp
from sfu.dataplane.reasons cimport (
    DROP_EMPTY,
    DROP_OVERLOAD,
    DROP_RTP_MALFORMED,
    DROP_TOO_LARGE,
    DROP_UNKNOWN_ADDRESS,
    DROP_UNKNOWN_FIRST_BYTE,
)
from sfu.dataplane.state cimport DIRECTION_IN, MAX_DATAGRAM, TRAFFIC_DTLS, TRAFFIC_STUN, Transport

cdef enum:
    STUN_LAST = 3
    DTLS_FIRST = 20
    DTLS_LAST = 63
    RTP_FIRST = 128
    RTP_LAST = 191
    RTCP_FIRST = 192        # second byte (RFC 5761, section 4)
    RTCP_LAST = 223
    MAX_QUEUED_US = 500000  # that media may have waited in the socket's buffer


cdef void receive_datagram(Core *core, uint8_t *data, size_t length, const Endpoint *source,
                           int64_t arrival_us) noexcept nogil:
    cdef Transport *transport
    cdef int reason
    cdef uint8_t first
    core.counters.bytes[<int>DIRECTION_IN] += length
    if length == 0 or length > MAX_DATAGRAM:
        core.counters.dropped[<int>DROP_EMPTY if length == 0 else <int>DROP_TOO_LARGE] += 1
        return
    first = data[0]
    if first <= STUN_LAST:
        core.counters.packets[<int>DIRECTION_IN][<int>TRAFFIC_STUN] += 1
        transport = address_find(&core.addresses, source)
        if transport == NULL or not consent_answer(core, transport, data, length, source):
            event_datagram(core, EVENT_STUN, transport, source, data, length)
        return
    if not (DTLS_FIRST <= first <= DTLS_LAST or RTP_FIRST <= first <= RTP_LAST):
        core.counters.dropped[<int>DROP_UNKNOWN_FIRST_BYTE] += 1
        return
    transport = address_find(&core.addresses, source)
    reason = DROP_UNKNOWN_ADDRESS if transport == NULL else DROP_RTP_MALFORMED if length < 2 else 0
    if reason:
        core.counters.dropped[reason] += 1
    elif first <= DTLS_LAST:
        core.counters.packets[<int>DIRECTION_IN][<int>TRAFFIC_DTLS] += 1
        event_datagram(core, EVENT_DTLS, transport, source, data, length)
    elif RTCP_FIRST <= data[1] <= RTCP_LAST:
        receive_rtcp(core, transport, data, length, arrival_us)
    elif core.now_us - arrival_us > MAX_QUEUED_US:
        # More comes than goes out. Late media is worth little, and forwarding it would make all that follows as late.
        core.counters.dropped[<int>DROP_OVERLOAD] += 1
    else:
        receive_rtp(core, transport, data, length, arrival_us)
