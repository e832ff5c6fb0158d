"""FFmpeg publishes by WHIP."""

import asyncio
import datetime
import sys
from pathlib import Path

import av
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sfu.dataplane.types import Format
from tests.harness.stats import eventually
from tests.integration.doors import doors


def certificate(folder: Path) -> tuple[str, str]:
    """Paths of a self-signed certificate on P-256 and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "encoder")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(folder / "certificate.pem"), str(folder / "key.pem")


@pytest.mark.skipif("whip" not in av.formats_available, reason="PyAV's FFmpeg has no WHIP muxer")
async def test_ffmpeg_publishes(tmp_path: Path) -> None:
    async with doors() as house:
        encoder = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.harness.ffmpeg_publisher", house.url("/whip/studio"), *certificate(tmp_path)
        )

        async def flows() -> bool:
            assert encoder.returncode is None, "FFmpeg gave up"
            [port] = house.server.node.ports
            people = [person for room in house.server.node.rooms.values() for person in room.participants.values()]
            layers = [port.engine.track_stats(track.handle)[0] for person in people for track in person.tracks.values()]
            return any(
                layer is not None and layer.format is Format.H264_BASELINE and layer.packets >= 60 for layer in layers
            )

        try:
            await eventually(flows, within_s=20, what="two seconds of H.264 arrive")
        finally:
            if encoder.returncode is None:
                encoder.kill()
            await encoder.wait()
