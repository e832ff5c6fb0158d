"""Clients of the other harness modules whose whole traffic takes a `LinkEmulator`'s way to the server."""

from typing import Any

from tests.harness.aiortc_client import AiortcParticipant
from tests.harness.link_emulator import LinkEmulator
from tests.harness.wrtc_client import WrtcParticipant


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


def page_script(link: LinkEmulator) -> str:
    """For a page, before any script of its own (`page.add_init_script`): every answer it takes leads through the link."""
    server, here = link.server, link.address
    return f"""
    const plain = RTCPeerConnection.prototype.setRemoteDescription;
    RTCPeerConnection.prototype.setRemoteDescription = function (description) {{
      const lines = description.sdp.split("\\r\\n").map((line) => {{
        if (!line.startsWith("a=candidate:")) return line;
        const fields = line.split(" ");
        if (fields[2].toLowerCase() !== "udp" || fields[4] !== "{server[0]}" || fields[5] !== "{server[1]}") return null;
        fields.splice(4, 2, "{here[0]}", "{here[1]}");
        return fields.join(" ");
      }});
      const sdp = lines.filter((line) => line !== null).join("\\r\\n");
      return plain.call(this, {{ type: description.type, sdp }});
    }};
    """
