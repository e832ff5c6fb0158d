"""Picture ids, TL0PICIDX, KEYIDX and frame numbers go on without a break over layers and sources, in 5, 7, 8, 15 and 16 bits."""

import pytest
from aiortc.codecs.vpx import VpxPayloadDescriptor
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.dataplane import codec
from sfu.dataplane.types import Format

pytestmark = pytest.mark.asan

SEEN = settings(max_examples=200, deadline=None)
BODY = b"\x00body"


def vp8(picture_id: int, bits: int = 15, tl0picidx: int = 0, keyidx: int = 0) -> bytes:
    """A first packet of a frame with all the numbers, each taken modulo its size."""
    number = bytes([picture_id & 0x7F]) if bits == 7 else (picture_id & 0x7FFF | 0x8000).to_bytes(2)
    # The layer bits beside KEYIDX are set, to see that they stay.
    return b"\x90\xf0" + number + bytes([tl0picidx & 0xFF, 0xE0 | keyidx & 0x1F]) + BODY


def numbers(payload: bytes) -> tuple[int, int, int]:
    """(picture id, TL0PICIDX, KEYIDX) as aiortc reads them."""
    descriptor, body = VpxPayloadDescriptor.parse(payload)
    assert body == BODY
    assert descriptor.tid == (3, 1)
    assert descriptor.picture_id is not None
    assert descriptor.tl0picidx is not None
    assert descriptor.keyidx is not None
    return descriptor.picture_id, descriptor.tl0picidx, descriptor.keyidx


def forward(pictures: codec.Pictures, payload: bytes) -> tuple[int, int, int]:
    out, delta = pictures.forward(Format.VP8, payload)
    assert len(out) == len(payload)
    assert codec.again(Format.VP8, payload, delta) == out
    return numbers(out)


def picture_id(pictures: codec.Pictures, value: int, bits: int = 15) -> int:
    return forward(pictures, vp8(value, bits))[0]


def test_the_first_source_goes_out_as_it_is() -> None:
    pictures = codec.Pictures()
    for value in range(3):
        payload = vp8(500 + value, 15, 7 + value, value)
        assert pictures.forward(Format.VP8, payload)[0] == payload


def test_every_number_goes_on_after_a_switch() -> None:
    pictures = codec.Pictures()
    assert forward(pictures, vp8(0x7FFE, 15, 254, 30)) == (0x7FFE, 254, 30)
    assert forward(pictures, vp8(0x7FFF, 15, 255, 31)) == (0x7FFF, 255, 31)
    pictures.switch()
    assert forward(pictures, vp8(1234, 15, 9, 17)) == (0, 0, 0)
    assert forward(pictures, vp8(1234, 15, 9, 17)) == (0, 0, 0)
    assert forward(pictures, vp8(1235, 15, 9, 18)) == (1, 0, 1)
    assert forward(pictures, vp8(1237, 15, 10, 20)) == (3, 1, 3)
    pictures.switch()
    assert forward(pictures, vp8(0, 15, 0, 0)) == (4, 2, 4)


@pytest.mark.parametrize("bits", [7, 15])
def test_the_whole_wrap_with_reordering(bits: int) -> None:
    size = 1 << bits
    pictures = codec.Pictures()
    assert picture_id(pictures, 90, bits) == 90
    pictures.switch()
    start = size - 5
    # 91 is the first number of the new source; pairs come swapped, and all of it twice round.
    assert picture_id(pictures, start, bits) == 91
    for step in range(1, 2 * size, 2):
        for number in (step + 1, step):
            assert picture_id(pictures, start + number, bits) == (91 + number) % size
    pictures.switch()
    assert picture_id(pictures, 3, bits) == (91 + 2 * size + 1) % size


def test_the_whole_wrap_of_tl0picidx_and_keyidx() -> None:
    pictures = codec.Pictures()
    forward(pictures, vp8(0, 15, 10, 20))
    pictures.switch()
    for step in range(600):
        # Every third frame comes before the one ahead of it.
        number = step + 1 if step % 3 == 1 else step - 1 if step % 3 == 2 else step
        assert forward(pictures, vp8(number, 15, 200 + number, 5 + number))[1:] == (
            (11 + number) % 256,
            (21 + number) % 32,
        )
    pictures.switch()
    assert forward(pictures, vp8(0, 15, 0, 0)) == (601, (11 + 600) % 256, (21 + 600) % 32)


def test_a_late_packet_does_not_move_what_comes_after_a_switch() -> None:
    pictures = codec.Pictures()
    assert [forward(pictures, vp8(n, 15, n, n)) for n in (10, 12, 11)] == [(n, n, n) for n in (10, 12, 11)]
    pictures.switch()
    assert forward(pictures, vp8(700, 15, 70, 7)) == (13, 13, 13)


WIDTHS = [
    # (in, bits) → out; None is a switch
    pytest.param([(126, 7, 126), (127, 7, 127), (128, 15, 128), (129, 15, 129)], id="a sender grows past 127"),
    pytest.param([(126, 7, 126), (127, 7, 127), (0, 7, 0), (1, 15, 1)], id="a sender wraps at 7 bits, then grows"),
    pytest.param(
        [(20, 15, 20), None, (126, 7, 21), (127, 7, 22), (128, 15, 23), (129, 15, 24)],
        id="it grows after a switch: the receiver sees no jump",
    ),
    pytest.param(
        [(300, 15, 300), None, (126, 7, 301 & 0x7F), (127, 7, 302 & 0x7F), (128, 15, 47), (130, 15, 49)],
        id="from 15 bits to 7 at a switch, then to 15 again",
    ),
    pytest.param([(5, 7, 5), None, (900, 15, 6), (901, 15, 7)], id="from 7 bits to 15 at a switch"),
    pytest.param(
        [(127, 7, 127), None, (900, 15, 128), (901, 15, 129)], id="from 7 bits to 15 at a switch, at the wrap"
    ),
    pytest.param([(3, 7, 3), None, (10, 7, 4), (12, 15, 6), (11, 15, 5)], id="it grows over a lost picture"),
    pytest.param([(3, 7, 3), None, (10, 7, 4), (11, 15, 5), (10, 7, 4), (12, 15, 6)], id="a short one comes late"),
    pytest.param([(3, 7, 3), None, (10, 7, 4), (11, 15, 5), (10, 7, 4), None, (800, 15, 5)], id="and before a switch"),
]


@pytest.mark.parametrize("steps", WIDTHS)
def test_picture_ids_of_both_widths(steps: list[tuple[int, int, int] | None]) -> None:
    pictures = codec.Pictures()
    for step in steps:
        if step is None:
            pictures.switch()
        else:
            value, bits, out = step
            assert picture_id(pictures, value, bits) == out


def test_a_number_that_a_source_lacks_waits_for_one_that_has_it() -> None:
    pictures = codec.Pictures()
    forward(pictures, vp8(50, 15, 60, 7))
    pictures.switch()
    bare = b"\x10" + BODY
    assert pictures.forward(Format.VP8, bare)[0] == bare
    only_picture_id = b"\x90\x80\x83\x00" + BODY
    assert pictures.forward(Format.VP8, only_picture_id)[0] == b"\x90\x80\x80\x33" + BODY
    assert forward(pictures, vp8(0x301, 15, 99, 1)) == (52, 61, 8)


def test_a_number_never_sent_before_starts_as_its_source_has_it() -> None:
    pictures = codec.Pictures()
    pictures.forward(Format.VP8, b"\x10" + BODY)
    pictures.switch()
    assert forward(pictures, vp8(50, 15, 60, 7)) == (50, 60, 7)


def test_vp9_numbers_go_on() -> None:
    def vp9(picture_id: int, tl0picidx: int) -> bytes:
        return b"\xa8" + (0x8000 | picture_id).to_bytes(2) + bytes([0x20, tl0picidx]) + BODY

    pictures = codec.Pictures()
    assert pictures.forward(Format.VP9_PROFILE_0, vp9(0x7FFF, 255))[0] == vp9(0x7FFF, 255)
    pictures.switch()
    assert pictures.forward(Format.VP9_PROFILE_0, vp9(77, 7))[0] == vp9(0, 0)
    assert pictures.forward(Format.VP9_PROFILE_0, vp9(78, 8))[0] == vp9(1, 1)


def test_frame_numbers_of_dependency_descriptors_go_on_over_the_whole_wrap() -> None:
    def out(number: int) -> int:
        number %= 65536
        _, delta = pictures.forward(Format.AV1, b"\x10\x32\x00", b"\xc0" + number.to_bytes(2))
        return (number + delta["frame_number"]) % 65536

    pictures = codec.Pictures()
    assert out(65535) == 65535
    pictures.switch()
    assert out(4000) == 0
    for step in range(1, 70000, 2):
        assert out(4000 + step + 1) == (step + 1) % 65536
        assert out(4000 + step) == step % 65536
    pictures.switch()
    assert out(0) == 70001 % 65536


def test_opus_and_h264_are_never_changed() -> None:
    for format, payload in ((Format.OPUS, b"\x78" + bytes(range(50))), (Format.H264_MAIN, b"\x65\x88" + bytes(50))):
        pictures = codec.Pictures()
        forward(pictures, vp8(5))
        pictures.switch()
        assert pictures.forward(format, payload)[0] == payload


class Model:
    """What a slot should send, from the definition: a source's numbers shifted by what makes its first follow the newest sent."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.newest: int | None = None  # unwrapped
        self.shift: int | None = 0

    def switch(self) -> None:
        self.shift = None

    def out(self, number: int) -> int:
        if self.shift is None:
            self.shift = 0 if self.newest is None else self.newest + 1 - number
        sent = number + self.shift
        self.newest = sent if self.newest is None else max(self.newest, sent)
        return sent % self.size


sources = st.lists(
    st.tuples(st.integers(0, 40000), st.lists(st.integers(0, 15), min_size=1, max_size=30)), min_size=1, max_size=5
)


@SEEN
@given(sources, st.sampled_from([7, 15]))
def test_any_sources_in_any_order_go_out_as_the_model_says(sources: list[tuple[int, list[int]]], bits: int) -> None:
    pictures = codec.Pictures()
    models = (Model(1 << bits), Model(256), Model(32))
    for number, (start, steps) in enumerate(sources):
        if number:
            pictures.switch()
            for model in models:
                model.switch()
        # Picture `step` of a source comes about where it should: up to 7 pictures early or late.
        for place, step in enumerate(steps):
            value = start + place + max(0, step - 8)
            expected = tuple(model.out(value) for model in models)
            assert forward(pictures, vp8(value, bits, value, value)) == expected
