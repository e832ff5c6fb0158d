from collections.abc import Sequence

from pylibsrtp import Session

class Receivers:
    def __init__(
        self, capacity: int, interval_ms: float = 4.0, check_every: int = 4, feedback: bool = True
    ) -> None: ...
    def add(
        self,
        fd: int,
        receive: Session,
        send: Session,
        *,
        local_ssrc: int,
        payload_type: int,
        rtx_payload_type: int,
        transport_cc_id: int,
        nack: bool,
    ) -> int: ...
    def run(self) -> None: ...
    def stop(self) -> None: ...
    def mark(self) -> None: ...
    def receiver(self, index: int) -> dict[str, int]: ...
    def latencies_us(self, quantiles: Sequence[float]) -> tuple[int, ...]: ...
    @property
    def feedback_sent(self) -> int: ...
