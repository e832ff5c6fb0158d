"""The media server without HTTP: media ports, rooms, and the way in.

Front doors call `join` and `resume`. It owns the workers and the clock that feeds audio levels to rooms; it knows no
protocol of any front door.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from sfu.config import Settings
from sfu.dataplane.types import Kind
from sfu.direct_tallies import DirectTallies
from sfu.dtls import Certificate
from sfu.errors import LimitError, RemoteError
from sfu.events import Listener
from sfu.ids import RoomName
from sfu.log import get_logger
from sfu.media_port import MediaPort
from sfu.moderator import Counts
from sfu.observation import Observers, RoomClosed, RoomOpened
from sfu.participant import Participant
from sfu.permissions import JoinRequest
from sfu.room import Room
from sfu.timings import JoinTimings
from sfu.waiting_room import Waiting

LEVELS_INTERVAL_S = 0.1
"""How often audio levels are looked at."""

log = get_logger(__name__)


class Node:
    """One process's rooms. `start` binds the media ports (`OSError` if one is taken)."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.rooms: dict[RoomName, Room] = {}
        self.timings = JoinTimings()
        self.direct = DirectTallies()
        self.observers = Observers()
        self.ports: Sequence[MediaPort] = ()
        self.closing = False
        self.moderation: Counts = Counter()
        self.texts_refused: Counter[str] = Counter()
        """Reason → texts of data channels that went to nobody, in all rooms that there were."""
        self.on_room_closed: list[Callable[[Room], None]] = []
        """Who keeps something for a room drops it then. They must not raise."""
        self._certificate = Certificate()
        self._levels: asyncio.Task[None] | None = None

    async def start(self) -> None:
        host, first = self.settings.effective_media_host, self.settings.media_port
        ports: list[MediaPort] = []
        try:
            for index in range(self.settings.workers):
                port = MediaPort(
                    host,
                    first + index if first else 0,
                    advertise=self.settings.advertise_ip,
                    tcp=self.settings.media_tcp,
                )
                ports.append(port)
                await port.start()
        except BaseException:
            for port in ports:
                await port.close()
            raise
        self.ports = ports
        self._levels = asyncio.get_running_loop().create_task(self._watch_levels())

    async def close(self) -> None:
        """Everybody leaves (`shutting_down`), then the ports close. Safe to call twice."""
        self.closing = True
        if self._levels is not None:
            self._levels.cancel()
            self._levels = None
        closing = [room.close("shutting_down") for room in self.rooms.values()]
        for result in await asyncio.gather(*closing, return_exceptions=True):
            if isinstance(result, Exception):
                log.error("room_close_failed", exc_info=result)
        self.rooms.clear()
        self.observers.end()
        ports, self.ports = self.ports, ()
        for port in ports:
            await port.close()

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        """Where media listens."""
        return tuple(port.address for port in self.ports)

    def track_counts(self) -> dict[Kind, int]:
        """Published tracks by kind, for metrics."""
        people = (participant for room in self.rooms.values() for participant in room.participants.values())
        found = Counter(track.kind for participant in people for track in participant.tracks.values())
        return {kind: found[kind] for kind in Kind}

    def join(self, name: RoomName, request: JoinRequest, listener: Listener) -> Participant:
        """Join a room, which is made if it does not exist. `LimitError`, `PermissionDeniedError`."""
        return self._room(name).join(request, listener)

    def knock(self, name: RoomName, request: JoinRequest, listener: Listener) -> Participant | Waiting:
        """As `join`, for those who can wait to be let in."""
        return self._room(name).knock(request, listener)

    def create(self, name: RoomName) -> Room:
        """A room with nobody in it; whoever makes it says how long it is kept. `LimitError`, `RemoteError` (`conflict`)."""
        if name in self.rooms:
            raise RemoteError("there is such a room already", code="conflict")
        return self._room(name)

    def resume(self, token: str, name: RoomName) -> Participant | None:
        """Who holds this resume token and is still in that room. The caller attaches its listener."""
        room = self.rooms.get(name)
        if room is None or not token:
            return None
        return next((p for p in room.participants.values() if p.resumes_with(token)), None)

    def forget_empty(self, room: Room) -> None:
        """Drop the room if nobody is left in it and it is not kept."""
        if not room.participants and not room.keep_empty_s and self.rooms.get(room.name) is room:
            del self.rooms[room.name]
            room.reception.close()
            for ended in self.on_room_closed:
                ended(room)
            log.info("room_closed", room=room.name)
            self.observers.tell(RoomClosed(room.name))

    def _room(self, name: RoomName) -> Room:
        if self.closing:
            raise LimitError("the server is shutting down", code="shutting_down")
        return self.rooms.get(name) or self._make_room(name)

    def _make_room(self, name: RoomName) -> Room:
        if len(self.rooms) >= self.settings.max_rooms:
            raise LimitError(f"this server has its {self.settings.max_rooms} rooms")
        port = min(self.ports, key=lambda port: sum(room.port is port for room in self.rooms.values()))
        room = self.rooms[name] = Room(
            name,
            port,
            certificate=self._certificate,
            settings=self.settings,
            timings=self.timings,
            direct=self.direct,
            observers=self.observers,
            texts_refused=self.texts_refused,
            on_empty=self.forget_empty,
        )
        log.info("room_opened", room=name)
        self.observers.tell(RoomOpened(name))
        return room

    async def _watch_levels(self) -> None:
        while True:
            await asyncio.sleep(LEVELS_INTERVAL_S)
            now_ms = time.monotonic_ns() // 1_000_000
            for port in self.ports:
                levels = {level.track: level.loudest_dbov for level in port.engine.audio_levels()}
                for room in tuple(self.rooms.values()):
                    if room.port is port:
                        self._hear(room, now_ms, levels)

    def _hear(self, room: Room, now_ms: int, levels: Mapping[int, int]) -> None:
        """A fault of ours in one room must not silence the others."""
        try:
            room.hear(now_ms, levels)
            room.tick(now_ms / 1000)
        except Exception:
            log.exception("levels_failed", room=room.name)
