"""`limit`: what this machine's kernel and libsrtp cost with no SFU around them, measured in the same run as the load."""

import os
import threading
from dataclasses import dataclass

from pylibsrtp import Policy, Session

from benchmarks.native.floor import forward
from benchmarks.native.media import Media
from benchmarks.sockets import client_socket, receive_buffer_drops

PACKETS = 120_000
"""Per measurement: a quarter of a second of one core, long enough for ±3 %."""

REPEATS = 3
"""Each measurement is repeated and the median is reported: other tenants of the machine come and go."""


@dataclass(frozen=True, slots=True)
class Floor:
    """CPU time of the sending thread, µs a packet."""

    protect_us: float
    """srtp_protect alone (AEAD_AES_128_GCM) with the copy of the packet."""
    sendmmsg_us: float
    """protect + sendmmsg, a message a packet."""
    paced_us: float
    """The same, woken for every source packet as at the load's rate: caches as cold as a server's."""
    segment_us: float
    """protect + sendmmsg, runs of eight equal packets as one UDP_SEGMENT message."""
    receivers: int
    packet_size: int
    drops: int
    """Datagrams dropped at the receiving sockets; they change the cost a little."""


def _session(profile: int, ssrc_type: int) -> Session:
    return Session(Policy(key=os.urandom(28), ssrc_type=ssrc_type, srtp_profile=profile))


def measure_floor(*, receivers_count: int, packet_size: int, packets_per_second: float) -> Floor:
    """Blocks for about two seconds; the drained sockets and the draining thread are as in the load test."""
    gcm = Policy.SRTP_PROFILE_AEAD_AES_128_GCM
    sender = client_socket(host="127.0.0.1")
    socks = [client_socket(timestamps=True, host="127.0.0.1") for _ in range(receivers_count)]
    sessions = [_session(gcm, Policy.SSRC_ANY_OUTBOUND) for _ in socks]
    drain = Media(receivers_count, interval_ms=1.0)
    for sock in socks:
        keys = [_session(gcm, kind) for kind in (Policy.SSRC_ANY_INBOUND, *[Policy.SSRC_ANY_OUTBOUND] * 2)]
        drain.add_client(sock.fileno(), *keys)
    ports = [sock.getsockname()[1] for sock in socks]
    thread = threading.Thread(target=drain.drain, name="floor-drain", daemon=True)
    thread.start()

    numbers = 0

    def cost(*, packets: int = PACKETS, run: int = 1, send: bool = True, pause_s: float = 0.0) -> float:
        nonlocal numbers
        rounds = max(1, packets // (receivers_count * run))
        found = []
        for _ in range(REPEATS):
            sent, errors, cpu_ns, _ = forward(
                sender.fileno(),
                sessions,
                ports,
                packet_size=packet_size,
                first=numbers,
                rounds=rounds,
                run=run,
                send=send,
                pause_s=pause_s,
            )
            if errors:
                raise RuntimeError(f"{errors} of {sent} packets could not be encrypted or sent")
            numbers += rounds * run
            found.append(cpu_ns / sent / 1000)
        return sorted(found)[REPEATS // 2]

    try:
        return Floor(
            protect_us=cost(send=False),
            sendmmsg_us=cost(),
            paced_us=cost(packets=int(receivers_count * packets_per_second / 2), pause_s=1 / packets_per_second),
            segment_us=cost(run=8),
            receivers=receivers_count,
            packet_size=packet_size,
            drops=receive_buffer_drops(set(ports)),
        )
    finally:
        drain.stop_draining()
        thread.join()
        for sock in (*socks, sender):
            sock.close()
