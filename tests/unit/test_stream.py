"""RFC 4571 framing: frames come out of a stream however it is cut, and go into one in the order of their urgency."""

import itertools
import struct
from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.dataplane.stream import Reader, Writer

pytestmark = pytest.mark.asan

frames = st.lists(st.binary(max_size=1500), max_size=8)


def framed(*datagrams: bytes) -> bytes:
    return b"".join(struct.pack("!H", len(datagram)) + datagram for datagram in datagrams)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[begin:end] for begin, end in itertools.pairwise(edges)]


@settings(deadline=None)
@given(frames, st.lists(st.integers(0, 20_000), max_size=20))
def test_frames_come_out_of_a_stream_however_it_is_cut(datagrams: list[bytes], places: list[int]) -> None:
    reader = Reader()
    found: list[bytes] = []
    for piece in cut(framed(*datagrams), places):
        found += reader.read(piece) or []
    assert found == datagrams
    assert reader.partial[0] == 0


def test_a_stream_cut_at_every_byte() -> None:
    datagrams = [bytes(range(200)), b"", b"x", bytes(1500)]
    reader = Reader()
    found: list[bytes] = []
    for byte in framed(*datagrams):
        found += reader.read(bytes([byte])) or []
    assert found == datagrams


@pytest.mark.parametrize("length", [1501, 0x4745, 0xFFFF])
def test_a_frame_longer_than_a_datagram_ends_the_reading(length: int) -> None:
    reader = Reader()
    assert reader.read(framed(b"before") + struct.pack("!H", length)[:1]) == [b"before"]
    assert reader.read(struct.pack("!H", length)[1:] + bytes(5000)) is None


def test_half_a_frame_keeps_the_time_of_its_first_byte() -> None:
    reader = Reader()
    assert reader.read(b"\x00", 5) == []
    assert reader.read(b"\x04ab", 9) == []
    assert reader.partial == (4, 5)
    assert reader.read(b"cd\x00", 11) == [b"abcd"]
    assert reader.partial == (1, 11)


@settings(deadline=None)
@given(st.binary(max_size=5000))
def test_any_bytes_are_frames_or_the_end(data: bytes) -> None:
    """An oracle that was written the other way round."""
    reader = Reader()
    wanted: list[bytes] | None = []
    rest = data
    while wanted is not None and len(rest) >= 2:
        (length,) = struct.unpack_from("!H", rest)
        if length > 1500:
            wanted = None
        elif len(rest) < 2 + length:
            break
        else:
            wanted.append(rest[2 : 2 + length])
            rest = rest[2 + length :]
    assert reader.read(data) == wanted


steps = st.lists(
    st.one_of(
        st.tuples(st.just("urgent"), st.binary(max_size=1500)),
        st.tuples(st.just("video"), st.binary(max_size=1500)),
        st.tuples(st.just("write"), st.integers(0, 4000)),
        st.tuples(st.just("drop"), st.just(0)),
    ),
    max_size=60,
)


@settings(deadline=None, max_examples=300)
@given(steps)
def test_what_is_written_is_whole_frames_with_the_urgent_ones_first(plan: list[tuple[str, bytes | int]]) -> None:
    writer = Writer()
    urgent: deque[bytes] = deque()
    video: deque[bytes] = deque()
    begun = b""
    for action, value in plan:
        if isinstance(value, bytes):
            assert writer.put(value, action == "video")
            (video if action == "video" else urgent).append(framed(value))
        elif action == "drop":
            assert writer.drop_video() == len(video)
            video.clear()
        else:
            wanted = b""
            while len(wanted) < value:
                if not begun:
                    if not urgent and not video:
                        break
                    begun = (urgent or video).popleft()
                taken = value - len(wanted)
                wanted, begun = wanted + begun[:taken], begun[taken:]
            assert writer.write(value) == wanted
    assert writer.write(1 << 20) == begun + b"".join(urgent) + b"".join(video)
    assert writer.waiting == (0, 0)


def test_rings_are_bounded_and_go_round() -> None:
    writer = Writer()
    frame = bytes(1000)
    assert sum(writer.put(frame) for _ in range(100)) == 65_536 // 1002
    assert sum(writer.put(frame, True) for _ in range(1000)) == 524_288 // 1002
    for number in range(3000):
        assert len(writer.write(1002)) == 1002
        assert writer.put(struct.pack("!H", number) + frame[2:])
    assert writer.waiting == (65_536 // 1002 * 1002, 524_288 // 1002 * 1002)
    assert not writer.put(bytes(70_000))
    assert writer.drop_video() == 524_288 // 1002
