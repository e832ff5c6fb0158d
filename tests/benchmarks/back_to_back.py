"""A publisher of the benchmarks whose packets go straight to a receiver of theirs: no server between them."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pylibsrtp import Policy, Session

from benchmarks.native.media import Media
from benchmarks.sockets import client_socket

SSRC = 0x1234_5678
PUBLISHER, RECEIVER = 0, 1
STREAM: Mapping[str, Any] = {
    "ssrc": SSRC,
    "payload_type": 96,
    "clock_rate": 90_000,
    "extension": bytes([0xBE, 0xDE, 0, 2, 0x10, ord("0"), 0x31, 0, 0, 0, 0, 0]),
    "transport_number_at": 7,
    "frame_s": 0.005,
    "gap_s": 0.0005,
    "packets": (10,),
    "keyframe_packets": 0,
    "keyframe_every_s": 3.0,
    "sizes": (1200, 1200),
    "first_shorter": 0,
}
"""What the publisher sends: 2,000 packets a second. The MID extension has id 1, the transport-wide number id 3."""


class JoiningMedia(Media):
    """Waits for its sending thread where `Media` only tells it."""

    def __init__(self, *_: object, **__: object) -> None:
        self.sending = threading.Thread(target=self.send)

    def stop_sending(self) -> None:
        super().stop_sending()
        self.sending.join()


def session(key: bytes, ssrc_type: int) -> Session:
    return Session(Policy(key=key, ssrc_type=ssrc_type, srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_128_GCM))


@contextmanager
def back_to_back(
    *, wrong_key: bool = False, senders: tuple[Mapping[str, Any], ...] = ({},), check_every: int = 1
) -> Iterator[Media]:
    """Both run; clients 0 and 1 are publisher and receiver. `senders` differ from `STREAM` by what they name.

    `media.stop_sending` returns when the last packet has been sent.
    """
    near, far = client_socket(host="127.0.0.1"), client_socket(host="127.0.0.1", timestamps=True)
    near.connect(far.getsockname())
    far.connect(near.getsockname())
    there, back = os.urandom(28), os.urandom(28)
    into, out = Policy.SSRC_ANY_INBOUND, Policy.SSRC_ANY_OUTBOUND
    media = JoiningMedia(2, len(senders), interval_ms=1.0, check_every=check_every)
    media.add_client(near.fileno(), session(back, into), session(there, out), session(there, out), transport_cc_id=3)
    received = os.urandom(28) if wrong_key else there
    media.add_client(
        *(far.fileno(), session(received, into), session(back, out), session(back, out)),
        feedback_ssrc=7,
        payload_types=(111, 96, 97),
        transport_cc_id=3,
        more_streams=len(senders),
    )
    for changes in senders:
        media.add_sender(PUBLISHER, **{**STREAM, **changes})
    draining = threading.Thread(target=media.drain)
    draining.start()
    media.sending.start()
    try:
        yield media
    finally:
        media.stop_sending()
        media.stop_draining()
        draining.join()
        near.close()
        far.close()


def until(holds: Callable[[], bool]) -> None:
    """`AssertionError` after ten seconds."""
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)
