"""A participant of aiortc's that has data channels and nothing else."""

import json
from typing import Any

from aiortc.rtcdatachannel import RTCDataChannel

from tests.harness.rtp_peer import RtpPeer, offer
from tests.harness.transport_client import AiortcClient
from tests.integration.doors import Member


class Talker:
    """`got`: what came on any channel."""

    def __init__(self, member: Member) -> None:
        self.member = member
        self.client = AiortcClient()
        self.got: list[str | bytes] = []

    async def enter(self) -> "Talker":
        algorithm, value = next(f for f in self.client.remote.fingerprints if f[0] == "sha-256")
        peer = RtpPeer(self.member)
        answer = await self.member.offer(offer(f"{algorithm} {value}", ["data"]))
        peer.take(answer["sdp"])
        await self.client.connect(peer.local)
        return self

    async def open(self, label: str) -> RTCDataChannel:
        return await self.client.open(label, self.got.append)

    async def close(self) -> None:
        """The peer connection and the socket end."""
        await self.client.close()
        await self.member.lose()

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.got]
