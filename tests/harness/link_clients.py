"""Clients of the other harness modules whose whole traffic takes a `LinkEmulator`'s way to the server."""

from typing import Any

from tests.harness.aiortc_client import AiortcParticipant
from tests.harness.link_emulator import LinkEmulator
from tests.harness.wrtc_client import WrtcHttpClient, WrtcParticipant


class WrtcBehind(WrtcParticipant):
    """`async with WrtcBehind(link, server.url, room, name) as person`."""

    def __init__(self, link: LinkEmulator, url: str, room: str, name: str, **options: Any) -> None:
        super().__init__(url, room, name, **options)
        self.link = link

    async def take_answer(self, sdp: str) -> None:
        await super().take_answer(self.link.rewrite(sdp))


class AiortcBehind(AiortcParticipant):
    """`async with AiortcBehind(link, server.url, room, name) as person`."""

    def __init__(self, link: LinkEmulator, url: str, room: str, name: str, **options: Any) -> None:
        super().__init__(url, room, name, **options)
        self.link = link

    async def take_answer(self, sdp: str) -> None:
        await super().take_answer(self.link.rewrite(sdp))


class HttpBehind(WrtcHttpClient):
    """`async with HttpBehind(link) as client`: WHIP or WHEP."""

    def __init__(self, link: LinkEmulator) -> None:
        super().__init__()
        self.link = link

    async def take_answer(self, sdp: str) -> None:
        await super().take_answer(self.link.rewrite(sdp))
