from pylibsrtp import Session

def forward(
    fd: int,
    sessions: list[Session],
    ports: list[int],
    *,
    packet_size: int = 1200,
    first: int = 0,
    rounds: int = 2000,
    run: int = 1,
    send: bool = True,
    pause_s: float = 0.0,
) -> tuple[int, int, int, int]: ...
