"""In a call of any length there is always a password for an ICE restart: asyncio's own timers, in virtual time."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any

import pytest

from sfu.config import Settings
from signaling.ice_servers import IceServers
from signaling.relay_passwords import RelayPasswords
from signaling.server_messages import IceServer, ServerMessage
from signaling.server_messages import IceServers as IceServersMessage

TURN = "turn:turn.example.net?transport=udp"
EPOCH_S = 1_767_225_600.0
DAY_S = 86_400


class Hasty(selectors.DefaultSelector):
    """Waits for nothing: the time that it should have waited has passed at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "nothing will ever happen"
        self.now_s += max(0.0, timeout)
        return super().select(0)


def run(work: Coroutine[Any, Any, None]) -> None:
    selector = Hasty()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now_s  # type: ignore[method-assign]
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(work)


class Person:
    """What somebody has in hand."""

    def __init__(self, *, ttl_s: int, turn: bool = True) -> None:
        given: dict[str, Any] = {"turn_server": TURN, "turn_secret": "a-secret-shared-with-coturn"} if turn else {}
        servers = IceServers(Settings(ice_server=("stun:stun.example.net",), turn_ttl_seconds=ttl_s, **given))
        self.told: list[ServerMessage] = []
        self.passwords = RelayPasswords(lambda: servers, self.hear, self.clock)
        self.servers = self.passwords.begin("p_ana")

    @staticmethod
    def clock() -> float:
        return EPOCH_S + asyncio.get_running_loop().time()

    def hear(self, message: ServerMessage) -> None:
        assert isinstance(message, IceServersMessage)
        self.told.append(message)
        self.servers = message.ice_servers

    @property
    def turn(self) -> IceServer:
        return self.servers[-1]

    def good_for_s(self) -> float:
        assert self.turn.username is not None
        return int(self.turn.username.partition(":")[0]) - self.clock()


@pytest.mark.parametrize("ttl_s", [60, 3_600, DAY_S])
def test_whoever_stays_can_restart_at_any_time(ttl_s: int) -> None:
    async def call() -> None:
        ana = Person(ttl_s=ttl_s)
        for _ in range(100):
            assert ana.good_for_s() >= ttl_s / 2 - 1, "whole seconds"
            assert [server.urls for server in ana.servers] == [("stun:stun.example.net",), (TURN,)]
            await asyncio.sleep(ttl_s / 10)
        assert 19 <= len(ana.told) <= 20, "no more often than needed"
        assert len({message.model_dump_json() for message in ana.told}) == len(ana.told)

    run(call())


def test_whoever_is_gone_is_told_no_more() -> None:
    async def call() -> None:
        ana = Person(ttl_s=60)
        await asyncio.sleep(31)
        ana.passwords.close()
        ana.passwords.close()
        await asyncio.sleep(DAY_S)
        assert len(ana.told) == 1

    run(call())


def test_where_nothing_expires_nothing_is_said() -> None:
    async def call() -> None:
        ana = Person(ttl_s=60, turn=False)
        await asyncio.sleep(DAY_S)
        assert ana.told == []

    run(call())
