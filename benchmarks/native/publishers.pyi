from pylibsrtp import Session

class Publishers:
    def __init__(
        self,
        capacity: int,
        *,
        packets_per_second: int = 300,
        packets_per_frame: int = 10,
        burst: bool = False,
        packet_size: int = 1200,
        keyframe_every_s: float = 3.0,
    ) -> None: ...
    def add(
        self,
        fd: int,
        receive: Session,
        send: Session,
        *,
        ssrc: int,
        payload_type: int,
        mid_id: int,
        mid: str,
        transport_cc_id: int,
    ) -> int: ...
    def run(self) -> None: ...
    def stop(self) -> None: ...
    def publisher(self, index: int) -> dict[str, int]: ...
