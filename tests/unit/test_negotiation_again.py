"""Later offers of a connection: m-lines come, go and are recycled; ICE restarts; the version rises."""

from dataclasses import replace

import pytest

from sfu.errors import SdpError
from sfu.negotiation import Negotiated
from sfu.protocol.sdp import Direction, parse
from tests.unit.negotiation_help import (
    AUDIO,
    LOCAL,
    SESSION,
    VIDEO,
    answer,
    described,
    load,
    media_of,
    offer_of,
    sequences,
)

STOPPED = "m=video 0 UDP/TLS/RTP/SAVPF 96\na=inactive\n"
SEND = "a=sendonly\n"


@pytest.mark.parametrize("names", [names for names in sequences().values() if len(names) > 1 and names[0][-1] == "1"])
def test_sequences_of_real_offers(names: list[str]) -> None:
    """Every m-line is answered in its place; what is not offered again is gone; the version rises."""
    previous: Negotiated | None = None
    for name in names:
        offer = parse(load(name))
        result = answer(load(name), previous=previous)
        assert [media.mid for media in media_of(result)] == [media.mid for media in offer.media]
        assert [media.kind for media in media_of(result)] == [media.kind for media in offer.media]
        for offered, answered in zip(offer.media, media_of(result), strict=True):
            if offered.port == 0 and not offered.bundle_only:
                assert answered.port == 0
            elif offered.kind != "application":
                assert offered.direction is not None
                assert answered.direction is offered.direction.reversed
        if previous is not None:
            assert described(result).origin.version > described(previous).origin.version
            assert described(result).origin.session_id == described(previous).origin.session_id
        previous = result


def test_chromium_restarts_ice() -> None:
    first = answer(load("chromium-ice-restart-1"))
    assert not first.ice_restart
    with_old = answer(load("chromium-ice-restart-2"), previous=first)
    assert with_old.ice_restart
    fresh = replace(LOCAL, ufrag="fresh", password="f" * 24)  # type: ignore[arg-type]
    second = answer(load("chromium-ice-restart-2"), previous=first, local=fresh)
    assert second.ice_restart
    assert media_of(second)[0].transport.ice_ufrag == "fresh"
    assert not answer(load("chromium-ice-restart-2"), previous=second, local=fresh).ice_restart


def test_the_version_rises_whatever_the_caller_says() -> None:
    first = answer(offer_of(AUDIO))
    second = answer(offer_of(AUDIO), previous=first)
    third = answer(offer_of(AUDIO), previous=second, local=replace(LOCAL, session_version=9))
    assert [described(each).origin.version for each in (first, second, third)] == [0, 1, 9]


def test_m_lines_never_vanish() -> None:
    first = answer(offer_of(AUDIO, VIDEO))
    with pytest.raises(SdpError, match="1 m-lines, the one before had 2"):
        answer(offer_of(AUDIO), previous=first)


def test_a_mid_stays_where_it_is() -> None:
    first = answer(offer_of(AUDIO, VIDEO))
    with pytest.raises(SdpError, match="must not change"):
        answer(offer_of(AUDIO, VIDEO + "a=mid:other\n"), previous=first)
    with pytest.raises(SdpError, match="must not change"):
        answer(offer_of(VIDEO + "a=mid:1\n", AUDIO + "a=mid:0\n"), previous=first)
    with pytest.raises(SdpError, match="kind of the m-line must not change"):
        answer(offer_of(AUDIO, AUDIO), previous=first)


def test_a_rejected_m_line_is_recycled() -> None:
    first = answer(offer_of(AUDIO + SEND, VIDEO + SEND, VIDEO + "a=recvonly\n"))
    stopped = answer(offer_of(AUDIO + SEND, STOPPED, VIDEO + "a=recvonly\n"), previous=first)
    assert [line.accepted for line in stopped.lines] == [True, False, True]
    assert described(stopped).groups[0].mids == ("0", "2")
    again = answer(
        offer_of(AUDIO + SEND, AUDIO + SEND + "a=mid:new\n", VIDEO + "a=recvonly\n"), previous=stopped, first_ssrc=5
    )
    assert again.lines[1].mid == "new"
    assert again.lines[1].track is not None
    assert again.lines[2].slot == first.lines[2].slot


def test_a_recycled_slot_is_another_slot() -> None:
    receive = "a=recvonly\n"
    first = answer(offer_of(AUDIO, VIDEO + receive))
    stopped = answer(offer_of(AUDIO, STOPPED), previous=first)
    again = answer(offer_of(AUDIO, VIDEO + receive + "a=mid:new\n"), previous=stopped, first_ssrc=5)
    assert first.lines[1].slot is not None
    assert again.lines[1].slot is not None
    assert again.lines[1].slot.ssrc != first.lines[1].slot.ssrc


def test_a_rejected_first_m_line_has_no_candidates() -> None:
    first = answer(offer_of(AUDIO, VIDEO))
    stopped = answer(offer_of(STOPPED.replace("video", "audio"), VIDEO), previous=first)
    rejected, video = media_of(stopped)
    assert (rejected.port, rejected.candidates) == (0, ())
    assert len(video.candidates) == 2
    assert video.end_of_candidates


def test_everything_may_stop() -> None:
    first = answer(offer_of(VIDEO))
    stopped = answer(offer_of(STOPPED), previous=first)
    assert stopped.remote_ufrag == first.remote_ufrag
    assert not stopped.ice_restart
    assert described(stopped).groups == ()
    assert stopped.receive.payload_types == {}


def test_a_track_may_pause() -> None:
    first = answer(offer_of(VIDEO + SEND))
    paused = answer(offer_of(VIDEO + "a=inactive\n"), previous=first)
    assert paused.lines[0].accepted
    assert paused.lines[0].track is None
    assert media_of(paused)[0].direction is Direction.INACTIVE
    assert answer(offer_of(VIDEO + SEND), previous=paused).lines[0].track == first.lines[0].track


def test_another_certificate_is_refused() -> None:
    first = answer(offer_of(VIDEO))
    with pytest.raises(SdpError, match="another certificate"):
        answer(offer_of(VIDEO, session=SESSION.replace("CD:", "EF:")), previous=first)


def test_a_refused_offer_changes_nothing() -> None:
    first = answer(offer_of(VIDEO + "a=recvonly\n"))
    with pytest.raises(SdpError):
        answer("nonsense", previous=first)
    again = answer(offer_of(VIDEO + "a=recvonly\n"), previous=first, first_ssrc=5)
    assert again.lines == first.lines
