"""Slots: m-lines on which the client receives."""

import itertools

import pytest

from sfu.dataplane.types import Extension, Format, Kind, SlotFormat, SlotParams
from sfu.errors import LocalError
from sfu.negotiation import Negotiated, negotiate
from sfu.negotiation.capabilities import CAPABILITIES
from sfu.protocol.sdp import Direction, MediaStreamId, SsrcGroup
from tests.unit.negotiation_help import AUDIO, BOTH, LOCAL, VIDEO, answer, load, media_of, offer_of

RECEIVE = "a=recvonly\n"


def slots(result: Negotiated) -> list[SlotParams]:
    return [line.slot for line in result.lines if line.slot is not None]


def test_a_slot_is_sendonly_with_ssrcs_and_stream() -> None:
    result = answer(offer_of(VIDEO + RECEIVE))
    assert result.lines[0].track is None
    slot = slots(result)[0]
    media = media_of(result)[0]
    assert media.direction is Direction.SENDONLY
    assert media.ssrcs == {slot.ssrc: LOCAL.cname, slot.rtx_ssrc: LOCAL.cname}
    assert media.ssrc_groups == (SsrcGroup("FID", (slot.ssrc, slot.rtx_ssrc)),)
    assert media.media_stream_ids == (MediaStreamId("slot-1", "slot-1-video"),)
    assert slot.formats == {Format.VP8: SlotFormat(96, 97, nack=True)}
    assert slot.extensions == {Extension.MID: 4}


def test_an_audio_slot_signals_no_repair() -> None:
    result = answer(offer_of(AUDIO + RECEIVE))
    media = media_of(result)[0]
    assert list(media.ssrcs) == [slots(result)[0].ssrc]
    assert media.ssrc_groups == ()


def test_the_nth_audio_and_the_nth_video_slot_share_a_stream() -> None:
    result = answer(offer_of(*[each + RECEIVE for each in (AUDIO, AUDIO, VIDEO, VIDEO, AUDIO)]))
    assert [each.media_stream_ids[0].stream for each in media_of(result)] == [
        "slot-1",
        "slot-2",
        "slot-1",
        "slot-2",
        "slot-3",
    ]
    assert [line.slot_number for line in result.lines] == [1, 2, 1, 2, 3]


def test_slots_carry_every_format_offered() -> None:
    slot = slots(answer(load("chromium-slots-2-2-1")))[1]
    assert slot.kind is Kind.VIDEO
    assert set(slot.formats) == set(Format) - {Format.OPUS}
    assert all(each.nack and each.rtx_payload_type is not None for each in slot.formats.values())


def test_ssrcs_are_all_different_and_not_the_client_s() -> None:
    taken = "a=ssrc:1000000 cname:x\na=ssrc:1000001 cname:x\n"
    result = answer(offer_of(AUDIO + taken + "a=sendonly\n", AUDIO + RECEIVE, VIDEO + RECEIVE), first_ssrc=999_999)
    ssrcs = list(itertools.chain.from_iterable((slot.ssrc, slot.rtx_ssrc) for slot in slots(result)))
    assert ssrcs == [999_999, 1_000_002, 1_000_003, 1_000_004]


def test_a_broken_source_of_ssrcs_is_our_own_fault() -> None:
    with pytest.raises(LocalError):
        negotiate(
            offer_of(VIDEO + RECEIVE),
            previous=None,
            local=LOCAL,
            role=BOTH,
            capabilities=CAPABILITIES,
            new_ssrc=lambda: 7,
        )


def test_more_slots_leave_the_others_as_they_were() -> None:
    first = answer(offer_of(AUDIO + RECEIVE, VIDEO + RECEIVE))
    second = answer(
        offer_of(*[each + RECEIVE for each in (AUDIO, VIDEO, VIDEO, AUDIO)]), previous=first, first_ssrc=5_000
    )
    assert slots(second)[:2] == slots(first)
    assert [line.slot_number for line in second.lines] == [1, 1, 2, 2]
    assert len({slot.ssrc for slot in slots(second)}) == 4


def test_a_free_number_is_used_again_and_the_others_stay() -> None:
    first = answer(offer_of(*[VIDEO + RECEIVE] * 3))
    gone = VIDEO + "a=inactive\n"
    second = answer(offer_of(VIDEO + RECEIVE, gone, VIDEO + RECEIVE), previous=first, first_ssrc=5_000)
    assert [line.slot_number for line in second.lines] == [1, None, 3]
    assert [slot.ssrc for slot in slots(second)] == [slots(first)[0].ssrc, slots(first)[2].ssrc]
    third = answer(offer_of(*[VIDEO + RECEIVE] * 4), previous=second, first_ssrc=9_000)
    assert [line.slot_number for line in third.lines] == [1, 2, 3, 4]


def test_a_slot_that_changes_formats_keeps_its_ssrc() -> None:
    first = answer(offer_of(VIDEO + RECEIVE))
    other = VIDEO.replace("VP8", "VP9")
    second = answer(offer_of(other + RECEIVE), previous=first, first_ssrc=5_000)
    assert slots(second)[0].ssrc == slots(first)[0].ssrc
    assert set(slots(second)[0].formats) == {Format.VP9_PROFILE_0}


def test_sendrecv_is_track_and_slot() -> None:
    result = answer(load("chromium-sendrecv-1"))
    assert all(line.track is not None and line.slot is not None for line in result.lines)
    assert {each.direction for each in media_of(result)} == {Direction.SENDRECV}


def test_rid_is_accepted_on_a_slot_but_never_sent() -> None:
    """Chromium offers for later m-lines only extensions that it has seen accepted: its simulcast needs RID."""
    result = answer(load("chromium-slots-2-2-1"))
    uris = {each.uri for each in media_of(result)[1].extensions}
    assert "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id" in uris
    assert not slots(result)[1].extensions.keys() & {Extension.RID, Extension.REPAIRED_RID}


def test_an_extension_that_the_client_only_sends_is_not_sent_to_it() -> None:
    """Firefox writes `/sendonly` behind the dependency descriptor's id."""
    slot = slots(answer(load("firefox-slots-2-2-1")))[1]
    assert Extension.DEPENDENCY_DESCRIPTOR not in slot.extensions
    assert Extension.PLAYOUT_DELAY in slot.extensions
