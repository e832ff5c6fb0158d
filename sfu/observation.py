"""What happens in all rooms, as values, for the program that the server runs in. Nothing that an observer does comes back.

Unlike the events of front doors these name everybody, hidden viewers too, with the identity that their token says.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sfu.ids import ParticipantId, RoomName
from sfu.views import TrackView, WaitingView


@dataclass(frozen=True, slots=True)
class Person:
    """Who it is about."""

    id: ParticipantId
    name: str
    identity: str | None
    """`sub` of their token; `None` in open rooms."""
    hidden: bool
    """The others do not know of them: viewers by WHEP, and whose token says so."""


@dataclass(frozen=True, slots=True)
class RoomOpened:
    """The room was made: by the first who came, or before anybody did."""

    room: RoomName


@dataclass(frozen=True, slots=True)
class RoomClosed:
    """Nobody is in it any more, and it is not kept. Another one may be made of this name."""

    room: RoomName


@dataclass(frozen=True, slots=True)
class Joined:
    """Somebody is in the room; they publish nothing yet."""

    room: RoomName
    person: Person


@dataclass(frozen=True, slots=True)
class Left:
    """They are gone, and with them their tracks. `reason` as in `sfu.events.ParticipantLeft`, or `shutting_down`."""

    room: RoomName
    person: Person
    reason: str


@dataclass(frozen=True, slots=True)
class TrackPublished:
    """They publish this from now on."""

    room: RoomName
    person: Person
    track: TrackView


@dataclass(frozen=True, slots=True)
class TrackChanged:
    """It was muted or unmuted, by its owner or by an administrator, or is of another source now."""

    room: RoomName
    person: Person
    track: TrackView


@dataclass(frozen=True, slots=True)
class TrackEnded:
    """They stopped publishing it, and are still there."""

    room: RoomName
    person: Person
    track: TrackView


@dataclass(frozen=True, slots=True)
class WaitingChanged:
    """Who waits to be let in: all of them, at most four times a second."""

    room: RoomName
    waiting: tuple[WaitingView, ...]


Observation = RoomOpened | RoomClosed | Joined | Left | TrackPublished | TrackChanged | TrackEnded | WaitingChanged

Observer = Callable[[Observation], None]
"""Called on the event loop, in the midst of what it is told of. It must neither block nor raise; whoever observes queues."""


class Observers:
    """All of one node."""

    def __init__(self) -> None:
        self._observers: dict[Observer, Callable[[], None]] = {}
        self._ended = False

    def add(self, observer: Observer, ended: Callable[[], None]) -> None:
        """`ended` is called when nothing will follow: at once, where the node has been closed."""
        if self._ended:
            ended()
        else:
            self._observers[observer] = ended

    def remove(self, observer: Observer) -> None:
        """Safe to call twice."""
        self._observers.pop(observer, None)

    def tell(self, observation: Observation) -> None:
        """Each of them."""
        for observer in tuple(self._observers):
            observer(observation)

    def end(self) -> None:
        """The node is closed."""
        self._ended = True
        for ended in tuple(self._observers.values()):
            ended()
