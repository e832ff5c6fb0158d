"""The Python view of `codec.pyx`, for tests and tools; the packet path uses `codec.pxd`."""

from typing import TypedDict

class Payload(TypedDict):
    keyframe: int
    frame_start: int
    temporal_id: int
    picture_id_bits: int
    picture_id: int
    has_tl0picidx: int
    tl0picidx: int
    has_keyidx: int
    keyidx: int
    picture_id_offset: int
    tl0picidx_offset: int
    keyidx_offset: int
    has_frame_number: int
    frame_number: int

class Delta(TypedDict):
    picture_id: int
    tl0picidx: int
    keyidx: int
    frame_number: int

def parse(format: int, payload: bytes, descriptor: bytes | None = None) -> Payload | None: ...
def again(format: int, payload: bytes, delta: Delta) -> bytes: ...

class Pictures:
    def __init__(self) -> None: ...
    def switch(self) -> None: ...
    def forward(self, format: int, payload: bytes, descriptor: bytes | None = None) -> tuple[bytes, Delta]: ...
