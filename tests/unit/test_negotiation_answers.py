"""The form of every answer to a first offer of a real browser, and the text that hostile offers cannot break."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.errors import SdpError
from sfu.negotiation import Negotiated
from sfu.protocol.sdp import SessionDescription, parse, serialize
from tests.unit.negotiation_help import LOCAL, VIDEO, answer, described, first_offers, load, offer_of, sequences
from tests.unit.test_sdp_hostile import mutate


def check_answer(offer: SessionDescription, result: Negotiated) -> None:
    """What holds for every answer (RFC 9429, section 5.3.1)."""
    written = parse(result.answer)
    assert serialize(written) == result.answer
    assert written.ice_lite
    assert len(written.media) == len(offer.media) == len(result.lines)
    accepted = [line.mid for line in result.lines if line.accepted]
    if written.groups:
        assert list(written.groups[0].mids) == accepted
    for offered, answered, line in zip(offer.media, written.media, result.lines, strict=True):
        assert (answered.kind, answered.protocol, answered.mid) == (offered.kind, offered.protocol, offered.mid)
        assert (answered.port != 0) is line.accepted
        assert set(answered.formats) <= set(offered.formats)
        offered_ids = {(each.uri, each.id) for each in offered.extensions}
        assert {(each.uri, each.id) for each in answered.extensions} <= offered_ids
        assert {each.name for each in answered.feedback} <= {each.name for each in offered.feedback}
        if line.accepted:
            assert answered.transport.setup == "passive"
            assert answered.transport.ice_ufrag == LOCAL.ufrag
            assert (answered.port, answered.connection) == (3_478, "127.0.0.1")
            assert len(answered.candidates) == 2
            assert answered.end_of_candidates
        if line.track is not None:
            assert answered.direction is not None
            assert answered.direction.receives
        if line.slot is not None:
            assert answered.direction is not None
            assert answered.direction.sends
            assert line.slot.ssrc in answered.ssrcs
            for each in line.slot.formats.values():
                assert str(each.payload_type) in answered.formats


@pytest.mark.parametrize("name", first_offers())
def test_answers_to_browsers(name: str) -> None:
    offer = load(name)
    result = answer(offer)
    check_answer(parse(offer), result)
    assert ("extmap-allow-mixed" in result.answer) is ("extmap-allow-mixed" in offer)
    assert result.answer.endswith("\r\n")
    assert all(line[1:2] == "=" for line in result.answer.removesuffix("\r\n").split("\r\n"))


def test_no_candidate_is_known() -> None:
    bare = LOCAL.__class__(LOCAL.ufrag, LOCAL.password, LOCAL.fingerprint, (), 1, 1, "cname")
    media = described(answer(load("chromium-data-only-1"), local=bare)).media[0]
    assert (media.port, media.connection, media.candidates) == (9, "0.0.0.0", ())


def test_an_ipv6_address_comes_first() -> None:
    first, second = LOCAL.candidates
    swapped = LOCAL.__class__(LOCAL.ufrag, LOCAL.password, LOCAL.fingerprint, (second, first), 1, 1, "cname")
    assert "c=IN IP6 ::1\r\n" in answer(load("chromium-data-only-1"), local=swapped).answer


def test_the_largest_offers_take_milliseconds() -> None:
    """Everything of an offer is looked at a bounded number of times."""
    payload_types = " ".join(map(str, range(128)))
    maps = "".join(f"a=rtpmap:{each} VP8/90000\n" for each in range(128))
    crowded = f"m=video 9 UDP/TLS/RTP/SAVPF {payload_types}\na=rtcp-mux\n{maps}" + "a=rtcp-fb:* x\n" * 890
    for offer in (offer_of(*[VIDEO + "a=recvonly\n"] * 256), offer_of(*[crowded] * 7)):
        started = time.process_time()
        answer(offer)
        assert time.process_time() - started < 1.0


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_mutated_offers_are_answered_or_refused(data: st.DataObject) -> None:
    names = data.draw(st.sampled_from([names for names in sequences().values() if names[0][-1] not in "23"]))
    previous: Negotiated | None = None
    for name in names:
        offer = load(name)
        if data.draw(st.booleans()):
            offer = mutate(data, offer)
        result = answer_or_refusal(offer, previous)
        if isinstance(result, SdpError):
            assert result.message.isprintable()
            assert len(result.message) < 300
        else:
            check_answer(parse(offer), result)
            previous = result


def answer_or_refusal(offer: str, previous: Negotiated | None) -> Negotiated | SdpError:
    try:
        return answer(offer, previous=previous)
    except SdpError as error:
        return error
