"""libwebrtc changes its mind in the middle of a meeting: ICE restarts, m-lines come, go and are used again."""

from ciranda.server import Server
from tests.harness.stats import eventually
from tests.harness.wrtc_client import WrtcParticipant


async def decodes_anew(viewer: WrtcParticipant, publisher: WrtcParticipant, *, more: int = 10) -> None:
    """From now on the viewer decodes some more frames of the publisher's."""

    async def frames() -> int:
        mid = viewer.slot_of(publisher, "video")
        return int((await viewer.sample()).inbound("video").get(mid or "", {}).get("framesDecoded", 0))

    before = await frames()

    async def grew() -> bool:
        return await frames() >= before + more

    await eventually(grew, within_s=10, what=f"{viewer.name} decodes {publisher.name}")


async def test_ice_restarts_and_media_goes_on(server: Server) -> None:
    async with WrtcParticipant(server.url, "ice", "Ana") as ana, WrtcParticipant(server.url, "ice", "Bo") as bo:
        await bo.receives(ana)
        await decodes_anew(bo, ana)
        old = (await ana.sample()).transport()["iceLocalUsernameFragment"]
        await ana.restart()
        await bo.restart()
        await decodes_anew(bo, ana)
        assert (await ana.sample()).transport()["iceLocalUsernameFragment"] != old
        assert bo.signaling.participants[ana.id]["name"] == "Ana"


async def test_a_camera_is_taken_back_and_published_again(server: Server) -> None:
    async with WrtcParticipant(server.url, "lines", "Ana") as ana, WrtcParticipant(server.url, "lines", "Bo") as bo:
        await bo.receives(ana)
        await decodes_anew(bo, ana)
        await ana.stop_camera()
        await bo.signaling.until(lambda: bo.slot_of(ana, "video") is None, what="the camera's slot is empty")
        assert [t["kind"] for t in bo.signaling.participants[ana.id]["tracks"]] == ["audio"]
        await ana.start_camera()
        await bo.receives(ana)
        await decodes_anew(bo, ana)


async def test_a_publisher_changes_its_codec_without_a_new_slot(server: Server) -> None:
    async with WrtcParticipant(server.url, "codec", "Ana") as ana, WrtcParticipant(server.url, "codec", "Bo") as bo:
        mids = await bo.receives(ana)
        await decodes_anew(bo, ana)
        await ana.restart(codec="video/VP9")
        sample = await bo.sample()

        async def changed() -> bool:
            nonlocal sample
            sample = await bo.sample()
            return sample.codec(sample.inbound("video")[mids["video"]]) == "video/VP9"

        await eventually(changed, within_s=10, what="VP9 arrives in the same slot")
        await decodes_anew(bo, ana)
        assert bo.slot_of(ana, "video") == mids["video"]
