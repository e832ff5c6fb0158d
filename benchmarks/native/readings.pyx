"""Counters as Python values, read while the threads go on: each number is right, two of them may be a packet apart."""

from libc.stdint cimport int64_t

from benchmarks.native.client cimport Client, Sender, Stream
from benchmarks.native.feedback cimport sequence_lost


cdef int64_t _lost(const Stream *stream, const Sender *senders, bint to_the_end) noexcept nogil:
    """By the senders' own counters, so that a packet is missed even where the server closed the gap."""
    if stream.source == 0:
        return 0
    if not to_the_end:
        return stream.lost_before + stream.lost_now
    return stream.lost_before + <int64_t> (senders[stream.source - 1].sent - stream.first_counter + stream.first_unique
                                           - stream.sequence.unique)


cdef dict client_reading(const Client *client, const Sender *senders, bint to_the_end):
    cdef int64_t unique = 0, gaps = 0, duplicates = 0, reordered = 0, too_old = 0, lost = 0, live = 0
    cdef const Stream *stream
    cdef int i
    for i in range(client.stream_count):
        stream = &client.streams[i]
        unique += stream.sequence.unique
        gaps += sequence_lost(&stream.sequence)
        duplicates += stream.sequence.duplicates
        reordered += stream.sequence.reordered
        too_old += stream.sequence.too_old
        lost += _lost(stream, senders, to_the_end)
        live += stream.sequence.started
    return {
        "unique": unique,
        "lost": lost,
        "gaps": gaps,
        "duplicates": duplicates,
        "reordered": reordered,
        "too_old": too_old,
        "streams": live,
        "bytes": client.bytes,
        "checked": client.checked,
        "corrupt": client.corrupt,
        "auth_failures": client.auth_failures,
        "retransmissions": client.retransmissions,
        "foreign": client.foreign,
        "rtcp": client.rtcp,
        "sender_reports": client.sender_reports,
        "stun": client.stun,
        "dtls": client.dtls,
        "nacked": client.nacked,
        "plis": client.plis,
        "nacks": client.nacks,
        "reports": client.reports,
        "transport_feedback": client.transport_feedback,
        "first_arrival_ns": client.first_arrival_ns,
    }


cdef dict sender_reading(const Sender *sender):
    return {
        "sent": sender.sent,
        "send_errors": sender.send_errors,
        "keyframes": sender.keyframes,
        "late": sender.late,
        "first_ns": sender.first_ns,
    }
