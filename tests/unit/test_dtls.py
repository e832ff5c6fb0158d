"""The DTLS server against OpenSSL as client: keys, profiles, fingerprints, fragments out of order, loss, hostile bytes."""

import time

import pytest
from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AEAD_AES_256_GCM,
    SRTP_AES128_CM_SHA1_80,
    SRTPProtectionProfile,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from OpenSSL import SSL

from sfu import dtls
from sfu.dataplane.types import SrtpProfile
from sfu.dtls import ApplicationData, Certificate, DtlsClosed, DtlsServer, HandshakeDone, pack_records
from sfu.dtls_flight import FIRST_REPEAT_S, LEAST_GAP_S, MAX_REPEATS
from tests.harness.dtls_client import DtlsClient, serve, shake

CERTIFICATE = Certificate()


def established() -> tuple[DtlsClient, DtlsServer]:
    client = DtlsClient()
    server = serve(client, certificate=CERTIFICATE)
    assert isinstance(shake(client, server)[0], HandshakeDone)
    return client, server


@pytest.mark.parametrize(
    ("offered", "profile", "size"),
    [
        ([SRTP_AES128_CM_SHA1_80, SRTP_AEAD_AES_128_GCM], SrtpProfile.AEAD_AES_128_GCM, 28),
        (
            [SRTP_AEAD_AES_256_GCM, SRTP_AES128_CM_SHA1_80, SRTP_AEAD_AES_128_GCM],
            SrtpProfile.AEAD_AES_128_GCM,
            28,
        ),
        ([SRTP_AES128_CM_SHA1_80], SrtpProfile.AES_CM_128_HMAC_SHA1_80, 30),
    ],
)
def test_the_server_prefers_gcm_and_both_sides_have_the_same_keys(
    offered: list[SRTPProtectionProfile], profile: SrtpProfile, size: int
) -> None:
    client = DtlsClient(profiles=offered)
    (done,) = shake(client, serve(client, certificate=CERTIFICATE))
    assert isinstance(done, HandshakeDone)
    assert client.connected()
    assert done.profile is profile
    key, salt = 16, size - 16
    material = client.ssl.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * size)
    assert done.receive_key == material[:key] + material[2 * key : 2 * key + salt]
    assert done.send_key == material[key : 2 * key] + material[2 * key + salt :]


def test_no_profile_in_common_is_an_error_with_a_name() -> None:
    client = DtlsClient(profiles=[SRTP_AEAD_AES_256_GCM])
    server = serve(client, certificate=CERTIFICATE)
    assert shake(client, server) == [DtlsClosed("no_srtp_profile")]
    assert not server.connected


@pytest.mark.parametrize("algorithm", ["sha-256", "sha-384", "sha-512", "SHA-256"])
def test_fingerprints_of_every_algorithm(algorithm: str) -> None:
    client = DtlsClient()
    ((_, value),) = client.fingerprints(algorithm.lower())
    server = DtlsServer(CERTIFICATE, [(algorithm, value.lower())])
    assert isinstance(shake(client, server)[0], HandshakeDone)


def test_the_strongest_fingerprint_decides() -> None:
    client, other = DtlsClient(), DtlsClient()
    server = DtlsServer(CERTIFICATE, client.fingerprints("sha-256") + other.fingerprints("sha-512"))
    assert shake(client, server) == [DtlsClosed("fingerprint_mismatch")]
    client = DtlsClient()
    server = DtlsServer(CERTIFICATE, other.fingerprints("sha-256") + client.fingerprints("sha-512"))
    assert isinstance(shake(client, server)[0], HandshakeDone)


def test_one_of_several_certificates_may_be_used() -> None:
    client, other = DtlsClient(), DtlsClient()
    server = DtlsServer(CERTIFICATE, other.fingerprints() + client.fingerprints())
    assert isinstance(shake(client, server)[0], HandshakeDone)


@pytest.mark.parametrize(
    "fingerprints",
    [(), (("sha-256", ""),), (("sha-256", "AB:CD"),), (("sha-256", "é" * 95),), (("md5", "00"),), (("", ""),)],
)
def test_a_certificate_that_was_not_signalled_gives_no_keys(fingerprints: tuple[tuple[str, str], ...]) -> None:
    client = DtlsClient()
    server = DtlsServer(CERTIFICATE, fingerprints)
    assert shake(client, server) == [DtlsClosed("fingerprint_mismatch")]
    assert not server.send(b"data")
    with pytest.raises(SSL.ZeroReturnError):  # the client is told
        client.ssl.recv(100)


def test_a_fragmented_client_hello_in_either_order() -> None:
    for order in (1, -1):
        client = DtlsClient(padding=1_500)
        server = serve(client, certificate=CERTIFICATE)
        flights: list[int] = []

        def wire(_: int, datagrams: list[bytes], order: int = order, flights: list[int] = flights) -> list[bytes]:
            flights.append(len(datagrams))
            return datagrams[::order]

        events = shake(client, server, wire)
        assert flights[0] >= 2, "the ClientHello takes at least two datagrams"
        assert isinstance(events[0], HandshakeDone)


def test_every_flight_reversed_and_doubled() -> None:
    client = DtlsClient(padding=3_000)
    server = serve(client, certificate=CERTIFICATE)
    events = shake(client, server, lambda _, datagrams: [*datagrams[::-1], *datagrams])
    assert [type(event) for event in events] == [HandshakeDone]


def test_a_lost_first_flight_of_the_server_is_sent_again_bit_for_bit() -> None:
    client = DtlsClient()
    server = serve(client, certificate=CERTIFICATE)
    lost: list[bytes] = []

    def wire(number: int, datagrams: list[bytes]) -> list[bytes]:
        if number != 1:
            return datagrams
        lost.extend(datagrams)
        return []

    shake(client, server, wire)
    when = server.next_timer() or 0.0
    assert when == pytest.approx(FIRST_REPEAT_S)
    server.handle_timer(when - 0.001)
    assert server.datagrams() == []
    server.handle_timer(when)
    again = server.datagrams()
    assert again == lost
    assert server.next_timer() == pytest.approx(when + 2 * FIRST_REPEAT_S)
    for datagram in client.receive(again):
        server.receive(datagram, when)
    client.receive(server.datagrams())
    assert client.connected()
    assert server.connected


def test_what_a_client_has_already_does_not_disturb_it() -> None:
    """It got half of the flight: the other half fits when all of it comes again."""
    client = DtlsClient()
    server = serve(client, certificate=CERTIFICATE)
    shake(client, server, lambda number, datagrams: datagrams[:-1] if number == 1 else datagrams)
    assert not client.connected()
    server.handle_timer(1.0)
    for datagram in client.receive(server.datagrams()):
        server.receive(datagram, 1.0)
    client.receive(server.datagrams())
    assert client.connected()


def test_a_client_that_repeats_its_hello_gets_the_flight_at_once_and_within_bounds() -> None:
    client = DtlsClient()
    server = serve(client, certificate=CERTIFICATE)
    (hello,) = client.step()
    server.receive(hello, 0.0)
    flight = server.datagrams()
    server.receive(hello, LEAST_GAP_S / 2)
    assert server.datagrams() == []
    server.receive(hello, LEAST_GAP_S)
    assert server.datagrams() == flight
    repeats = 1
    for number in range(2, 1_000):
        server.receive(hello, number * LEAST_GAP_S)
        repeats += server.datagrams() == flight
        if server.next_event() is not None:
            break
    assert repeats == MAX_REPEATS
    assert server.next_timer() is None


def test_a_lost_last_flight_of_the_server_is_sent_again_until_the_client_shows_that_it_came() -> None:
    client = DtlsClient()
    server = serve(client, certificate=CERTIFICATE)
    shake(client, server, lambda number, datagrams: [] if number == 3 else datagrams)
    assert server.connected
    assert not client.connected()
    assert server.send(b"nothing of this is part of the flight")
    server.datagrams()
    server.handle_timer(FIRST_REPEAT_S)
    again = server.datagrams()
    client.receive(again)
    assert client.connected()
    with pytest.raises(SSL.WantReadError):
        client.ssl.recv(100)
    server.handle_timer(1.0)
    assert server.datagrams() == again
    client.ssl.send(b"here")
    server.receive(client.output()[0], 1.0)
    assert server.next_timer() is None


def test_a_client_with_nothing_to_say_gets_the_last_flight_a_few_times_more() -> None:
    _, server = established()
    times = []
    while (when := server.next_timer()) is not None:
        times.append(round(when, 3))
        server.handle_timer(when)
        assert server.datagrams()
    assert times == [0.1, 0.3, 0.7]


def test_a_client_whose_media_came_is_not_sent_the_last_flight_again() -> None:
    """FFmpeg reads a repeated flight as data, and waits for it while its media stands still."""
    _, server = established()
    server.last_flight_arrived()
    assert server.next_timer() is None
    server.handle_timer(FIRST_REPEAT_S)
    assert server.datagrams() == []


def test_a_client_that_repeats_its_own_last_flight_gets_ours() -> None:
    client = DtlsClient()
    server = serve(client, certificate=CERTIFICATE)
    shake(client, server, lambda number, datagrams: [] if number == 3 else datagrams)
    while server.next_timer() is not None:
        server.handle_timer(100.0 + (server.next_timer() or 0.0))
        server.datagrams()
    deadline = time.monotonic() + 10
    while not client.connected():
        assert time.monotonic() < deadline
        time.sleep(client.ssl.DTLSv1_get_timeout() or 0.0)
        client.ssl.DTLSv1_handle_timeout()
        for datagram in client.output():
            server.receive(datagram, 0.0)
        client.receive(server.datagrams())


def test_datagrams_of_a_flight_fit_the_mtu() -> None:
    client = DtlsClient()
    sizes: list[int] = []

    def wire(number: int, datagrams: list[bytes]) -> list[bytes]:
        sizes.extend(len(datagram) for datagram in datagrams if number % 2)
        return datagrams

    shake(client, serve(client, certificate=CERTIFICATE), wire)
    assert sizes
    assert max(sizes) <= dtls.MTU_BYTES
    assert sum(sizes) < 2_000, "little is sent to an address, and only to a validated one"


def test_application_data_both_ways_and_several_records_a_datagram() -> None:
    client, server = established()
    for number in range(3):
        client.ssl.send(b"%d" % number)
    (datagram,) = client.output()
    server.receive(datagram, 0.0)
    assert [server.next_event() for _ in range(4)] == [*(ApplicationData(b"%d" % n) for n in range(3)), None]
    assert server.send(b"answer")
    client.ssl.bio_write(b"".join(server.datagrams()))
    assert client.ssl.recv(100) == b"answer"


def test_close_notify_from_either_side() -> None:
    client, server = established()
    client.ssl.shutdown()
    for datagram in client.output():
        server.receive(datagram, 0.0)
    assert server.next_event() == DtlsClosed("closed_by_peer")
    client, server = established()
    server.close()
    server.close()
    client.ssl.bio_write(b"".join(server.datagrams()))
    with pytest.raises(SSL.ZeroReturnError):
        client.ssl.recv(100)
    assert server.next_event() is None
    assert not server.send(b"late")
    server.receive(b"\x17" + bytes(40), 0.0)
    assert server.datagrams() == []


def test_forged_records_do_not_end_an_association() -> None:
    client, server = established()
    fresh = DtlsClient()
    forged = [
        *fresh.step(),  # somebody else's ClientHello
        b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02\x02\x28",  # a fatal alert in the clear
        b"\x17\xfe\xfd\x00\x01" + b"\xff" * 6 + b"\x00\x20" + bytes(32),
        b"\x14\xfe\xfd" + bytes(8) + b"\x00\x01\x01",
    ]
    for datagram in forged:
        server.receive(datagram, 0.0)
        assert server.next_event() is None
    client.ssl.send(b"still here")
    server.receive(client.output()[0], 0.0)
    assert server.next_event() == ApplicationData(b"still here")


def test_a_replayed_record_is_dropped() -> None:
    client, server = established()
    client.ssl.send(b"once")
    (datagram,) = client.output()
    server.receive(datagram, 0.0)
    server.receive(datagram, 0.0)
    assert server.next_event() == ApplicationData(b"once")
    assert server.next_event() is None


def test_a_handshake_that_never_ends_is_bounded_in_bytes() -> None:
    server = DtlsServer(CERTIFICATE, ())
    (hello,) = DtlsClient().step()
    answered = 0
    for _ in range(2_000):
        server.receive(hello, 0.0)
        answered += sum(len(datagram) for datagram in server.datagrams())
        if (event := server.next_event()) is not None:
            assert event == DtlsClosed("dtls_failed")
            break
    else:
        pytest.fail("the server listens for ever")
    assert answered < dtls.MAX_HANDSHAKE_BYTES, "less goes out than came in"


def test_the_context_is_made_once() -> None:
    client = DtlsClient()
    server = serve(client, certificate=CERTIFICATE)
    assert server._ssl.get_context() is CERTIFICATE.context
    assert CERTIFICATE.context.get_session_cache_mode() == SSL.SESS_CACHE_OFF


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=8), st.booleans())
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_dropped_or_end_the_association_with_a_name(junk: list[bytes], shaped: bool) -> None:
    server = DtlsServer(CERTIFICATE, ())
    for number, data in enumerate(junk):
        head = b"\x16\xfe\xfd\x00\x00" + number.to_bytes(6, "big") + len(data).to_bytes(2, "big") if shaped else b""
        server.receive(head + data, 0.0)
        server.datagrams()
        event = server.next_event()
        assert event is None or event == DtlsClosed("dtls_failed")


@given(st.lists(st.integers(0, 1_300), max_size=12))
@settings(deadline=None)
def test_records_are_never_cut_or_reordered(lengths: list[int]) -> None:
    records = [b"\x16\xfe\xfd" + bytes(8) + n.to_bytes(2, "big") + bytes([i]) * n for i, n in enumerate(lengths)]
    stream = b"".join(records)
    datagrams = pack_records(stream) if stream else []
    assert b"".join(datagrams) == stream
    for datagram in datagrams:
        assert len(datagram) <= dtls.MTU_BYTES or datagram in records
