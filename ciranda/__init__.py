"""Ciranda: a Selective Forwarding Unit for WebRTC.

`async with Server(Settings(http_port=0, media_port=0)) as server:` runs one inside any asyncio program.
"""

from ciranda.server import Server
from sfu.config import Settings

__all__ = ["Server", "Settings"]
