"""Ciranda: a Selective Forwarding Unit for WebRTC.

`async with Server(Settings(http_port=0, media_port=0)) as server:` runs one inside any asyncio program; `server.rooms` shows and
orders its rooms, and `server.rooms.watch()` tells what happens in them.
"""

from ciranda.rooms import Rooms
from ciranda.server import Server
from ciranda.watch import ReaderTooSlowError, Watch
from sfu.config import Settings
from sfu.errors import LimitError, RemoteError
from sfu.observation import (
    Joined,
    Left,
    Observation,
    Person,
    RoomClosed,
    RoomOpened,
    TrackChanged,
    TrackEnded,
    TrackPublished,
    WaitingChanged,
)
from sfu.version import version

__version__ = version()

__all__ = [
    "Joined",
    "Left",
    "LimitError",
    "Observation",
    "Person",
    "ReaderTooSlowError",
    "RemoteError",
    "RoomClosed",
    "RoomOpened",
    "Rooms",
    "Server",
    "Settings",
    "TrackChanged",
    "TrackEnded",
    "TrackPublished",
    "WaitingChanged",
    "Watch",
]
