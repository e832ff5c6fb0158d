"""Three of ten DTLS datagrams are lost, either way: the connection comes about all the same, and soon."""

import asyncio
import time

from ciranda.server import Server
from tests.harness.link import Conditions, Fate, handshake
from tests.harness.link_clients import WrtcBehind
from tests.harness.link_emulator import LinkEmulator
from tests.link.calls import until

BAD = Conditions(loss=0.3, delay_s=0.01, strikes=handshake)
SEEDS = range(12)
CONNECTED_S = 5.0
"""Of the first 48 seeds half connect within 0.3 s, nine of ten within 0.5 s, the slowest in 1.9 s (while OpenSSL alone repeated our
flights: 0.65, 3.4 and 7.3 s); a busy machine takes longer."""


async def connect(server: Server, seed: int) -> tuple[float, int]:
    """Seconds until both sides are connected, and the DTLS datagrams lost meanwhile."""
    async with LinkEmulator(server.media_addresses[0], up=BAD, down=BAD, seed=seed) as link:
        started = time.monotonic()
        async with WrtcBehind(link, server.url, f"handshake-{seed}", "Ana") as ana:

            def connected() -> bool:
                return str(ana.connection.connection_state) == "connected"

            await until(connected, within_s=3 * CONNECTED_S, what=f"connected with seed {seed}")
            return time.monotonic() - started, link.up.counters[Fate.LOST] + link.down.counters[Fate.LOST]


async def test_handshakes_over_a_bad_link(server: Server) -> None:
    results = await asyncio.gather(*(connect(server, seed) for seed in SEEDS))
    assert max(took for took, _ in results) < CONNECTED_S, results
    assert sum(lost for _, lost in results) > len(SEEDS), "there was something to repair"
