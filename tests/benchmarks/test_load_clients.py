"""The load benchmark's senders and receivers with no server between them: they must find every fault, and no other."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pylibsrtp import Policy, Session

from benchmarks.native.publishers import Publishers
from benchmarks.native.receivers import Receivers
from benchmarks.sockets import client_socket

SSRC = 0x1234_5678
RATE = 2_000


def sessions(key: bytes) -> tuple[Session, Session]:
    """Of the side that sends with this key, and of the side that receives with it."""
    gcm = Policy.SRTP_PROFILE_AEAD_AES_128_GCM
    return (
        Session(Policy(key=key, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=gcm)),
        Session(Policy(key=key, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=gcm)),
    )


@contextmanager
def back_to_back(*, wrong_key: bool = False) -> Iterator[tuple[Publishers, Receivers]]:
    """A publisher whose packets go straight to a receiver, both running."""
    near, far = client_socket(), client_socket(timestamps=True)
    near.connect(far.getsockname())
    far.connect(near.getsockname())
    media, back = os.urandom(28), os.urandom(28)
    media_out, media_in = sessions(media)
    back_out, back_in = sessions(back)
    if wrong_key:
        _, media_in = sessions(os.urandom(28))
    publishers = Publishers(1, packets_per_second=RATE)
    publishers.add(near.fileno(), back_in, media_out, ssrc=SSRC, payload_type=96, mid_id=1, mid="0", transport_cc_id=3)
    receivers = Receivers(1, interval_ms=1.0, check_every=1)
    receivers.add(
        *(far.fileno(), media_in, back_out),
        local_ssrc=7,
        payload_type=96,
        rtx_payload_type=97,
        transport_cc_id=3,
        nack=True,
    )
    threads = [threading.Thread(target=run) for run in (receivers.run, publishers.run)]
    for thread in threads:
        thread.start()
    try:
        yield publishers, receivers
    finally:
        publishers.stop()
        receivers.stop()
        for thread in threads:
            thread.join()
        near.close()
        far.close()


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_every_packet_arrives_and_is_checked() -> None:
    with back_to_back() as (publishers, receivers):
        until(lambda: receivers.receiver(0)["unique"] > 2 * RATE)
        publishers.stop()
        until(lambda: receivers.receiver(0)["unique"] == publishers.publisher(0)["sent"])
        got, sent = receivers.receiver(0), publishers.publisher(0)
    assert got["checked"] == got["unique"]
    assert got["last_counter"] == sent["sent"] - 1
    assert [got[n] for n in ("lost", "duplicates", "reordered", "corrupt", "auth_failures", "foreign", "nacked")] == [
        0
    ] * 7
    assert got["sender_reports"] >= 2
    assert sent["auth_failures"] == sent["send_errors"] == sent["nacks"] == 0
    assert sent["reports"] >= 1
    assert sent["transport_feedback"] >= 10
    p50, p99, longest = receivers.latencies_us([0.5, 0.99])
    assert 0 < p50 <= p99 <= longest + 1


def test_a_packet_that_does_not_decrypt_is_found() -> None:
    with back_to_back(wrong_key=True) as (_, receivers):
        until(lambda: receivers.receiver(0)["auth_failures"] > 10)
        assert receivers.receiver(0)["first_ns"] == 0
