"""aiortc and libwebrtc in one room: two implementations of everything, and both see and hear each other."""

from ciranda.server import Server
from tests.harness.aiortc_client import AiortcParticipant
from tests.harness.stats import eventually
from tests.harness.wrtc_client import WrtcParticipant


async def test_aiortc_and_libwebrtc_meet(server: Server) -> None:
    async with (
        AiortcParticipant(server.url, "mixed", "aiortc") as one,
        WrtcParticipant(server.url, "mixed", "libwebrtc") as other,
    ):
        slots = await other.receives(one)
        back = await one.receives(other)

        async def both() -> bool:
            video = (await other.sample()).inbound("video").get(slots["video"], {})
            sample = await one.sample()
            seen = sample.inbound("video").get(back["video"], {})
            heard = sample.inbound("audio").get(back["audio"], {})
            decoded = min(int(stream.get("framesDecoded", 0)) for stream in (video, seen))
            return decoded > 20 and float(heard.get("totalAudioEnergy", 0)) > 0

        await eventually(both, within_s=15, what="both decode each other")
        assert (await other.sample()).inbound("audio")[slots["audio"]]["packetsReceived"] > 20
