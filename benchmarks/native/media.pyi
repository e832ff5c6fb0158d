from collections.abc import Sequence

from pylibsrtp import Session

class Media:
    def __init__(
        self, clients: int, senders: int = 0, *, interval_ms: float = 4.0, check_every: int = 4, feedback: bool = True
    ) -> None: ...
    def add_client(
        self,
        fd: int,
        receive: Session,
        send_media: Session,
        send_feedback: Session,
        *,
        feedback_ssrc: int = 1,
        payload_types: tuple[int, int, int] = (0, 0, 0),
        transport_cc_id: int = 0,
        streams: Sequence[tuple[int, int, int]] = (),
        more_streams: int = 0,
    ) -> int: ...
    def add_sender(
        self,
        client: int,
        *,
        ssrc: int,
        payload_type: int,
        clock_rate: int,
        extension: bytes,
        transport_number_at: int,
        frame_s: float,
        gap_s: float,
        packets: Sequence[int],
        keyframe_packets: int,
        keyframe_every_s: float,
        sizes: tuple[int, int],
        first_shorter: int,
    ) -> int: ...
    def send(self) -> None: ...
    def stop_sending(self) -> None: ...
    def activate(self, senders: int) -> None: ...
    def drain(self) -> None: ...
    def stop_draining(self) -> None: ...
    def mark(self) -> None: ...
    def take_requests(self) -> list[tuple[int, bytes]]: ...
    def received(self) -> int: ...
    def client(self, index: int, *, to_the_end: bool = False) -> dict[str, int]: ...
    def totals(self, *, to_the_end: bool = False) -> dict[str, int]: ...
    def sender(self, index: int) -> dict[str, int]: ...
    def latencies_us(self, shares: Sequence[float]) -> tuple[int, ...]: ...
