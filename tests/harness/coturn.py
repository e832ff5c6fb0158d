"""A real coturn on this machine, with the configuration that `deploy/` gives it. Nothing of it outlives the test.

What differs from the deployed one: ports, paths, and that the only peer it relays to is at its own address (loopback's).
"""

import asyncio
import base64
import contextlib
import datetime
import hashlib
import ipaddress
import shutil
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
SECRET = "a-secret-that-only-two-servers-know"
COMPOSE = Path(__file__).parents[2] / "deploy" / "compose.yml"
START_S = 15.0
HERE = """
listening-ip={host}
relay-ip={host}
allow-loopback-peers
relay-threads=1
verbose
"""


@dataclass(frozen=True, slots=True)
class Coturn:
    """One that runs."""

    port: int
    tls_port: int
    certificate: "SelfSigned"
    log: Path
    host: str = HOST

    def url(self, transport: str) -> str:
        """`udp`, `tcp` or `tls`: how the client reaches it."""
        if transport == "tls":
            return f"turns:{self.host}:{self.tls_port}?transport=tcp"
        return f"turn:{self.host}:{self.port}?transport={transport}"


@dataclass(frozen=True, slots=True)
class SelfSigned:
    """A certificate for this machine that nobody signed but itself."""

    chain: Path
    key: Path
    spki: str
    """Base64 of the public key's SHA-256, as Chromium's flags have it."""

    @classmethod
    def make(cls, folder: Path, host: str = HOST) -> "SelfSigned":
        private = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        now = datetime.datetime.now(datetime.UTC)
        names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address(host))])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(names, critical=False)
            .sign(private, hashes.SHA256())
        )
        spki = private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        made = cls(
            folder / "fullchain.pem", folder / "privkey.pem", base64.b64encode(hashlib.sha256(spki).digest()).decode()
        )
        made.chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        made.key.write_bytes(
            private.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return made


@contextlib.asynccontextmanager
async def coturn(folder: Path, secret: str = SECRET, host: str = HOST) -> AsyncIterator[Coturn]:
    """`folder` takes its configuration, certificate and log; `host` is an address of this machine."""
    program = shutil.which("turnserver")
    assert program, "coturn is not installed: scripts/setup does that"
    running = Coturn(free_port(host), free_port(host), SelfSigned.make(folder, host), folder / "turnserver.log", host)
    configuration = folder / "turnserver.conf"
    configuration.write_text(_deployed(folder, running, secret) + HERE.format(host=host))
    with running.log.open("wb") as log:
        process = await asyncio.create_subprocess_exec(program, "-c", str(configuration), stdout=log, stderr=log)
    try:
        for port in (running.port, running.tls_port):
            await _listens(host, port, process, running.log)
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(5):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def _deployed(folder: Path, running: Coturn, secret: str) -> str:
    """The compose file's configuration with this one's values."""
    text: str = yaml.safe_load(COMPOSE.read_text())["configs"]["coturn"]["content"]
    for theirs, ours in (
        ("/tmp/", f"{folder}/"),
        ("${DOMAIN}", "localhost"),
        ("${TURN_SECRET}", secret),
        ("listening-port=3479", f"listening-port={running.port}"),
        ("tls-listening-port=5349", f"tls-listening-port={running.tls_port}"),
        ("/tls/", f"{folder}/"),
        ("allowed-peer-ip=172.30.0.10", f"allowed-peer-ip={running.host}"),
    ):
        assert theirs in text, theirs
        text = text.replace(theirs, ours)
    return text


def free_port(host: str = HOST) -> int:
    """Free for UDP and TCP at this moment."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind((host, 0))
            port: int = tcp.getsockname()[1]
            with contextlib.suppress(OSError):
                udp.bind((host, port))
                return port


async def _listens(host: str, port: int, process: asyncio.subprocess.Process, log: Path) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(START_S):
            while process.returncode is None:
                try:
                    _, writer = await asyncio.open_connection(host, port)
                except ConnectionError:
                    await asyncio.sleep(0.05)
                    continue
                writer.close()
                with contextlib.suppress(ConnectionError, ssl.SSLError):
                    await writer.wait_closed()
                return
    raise AssertionError(f"coturn does not listen on {port}: {log.read_text()[-2_000:]}")
