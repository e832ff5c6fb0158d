"""Both tables of a direct call against each other: the server's, and the very one that the page runs, over channels that keep order
but take their time. Whatever happens, and whenever: in the end both sides agree, and nobody holds what nobody uses."""

import json
from collections import deque
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.direct import DirectCall, Member, State, Tell
from sfu.direct_signal import DirectSignal, Reason, Signal, Step
from sfu.ids import ParticipantId
from signaling.pages import WEB

SOURCE = (Path(WEB) / "client/direct_table.js").read_text()
CLIENT_TABLE: dict[str, dict[str, list[str]]] = json.loads(
    SOURCE.partition("export const TRANSITIONS = ")[2].partition(";\n")[0]
)
A, B, C = (ParticipantId(f"p_{letter}") for letter in "abc")
ACTIONS = {
    "open",
    "close",
    "say_ready",
    "say_lost",
    "say_taken",
    "show_direct",
    "show_server",
    "pause_server",
    "resume_server",
}


class Client:
    """What client/direct.js does with the table; its page is replaced by flags."""

    def __init__(self, send: "deque[Signal]") -> None:
        self.state, self.epoch = "server", 0
        self.paths = 0
        self.paused = False
        self.shown = "server"
        self.send = send

    def receive(self, signal: DirectSignal) -> None:
        if signal.step is Step.START:
            if signal.epoch > self.epoch:
                self.epoch = signal.epoch
                self.happen("start")
        elif signal.epoch == self.epoch and signal.step in (Step.COMMIT, Step.TAKEOVER):
            self.happen(signal.step.value)

    def happen(self, event: str) -> None:
        self.state, *actions = CLIENT_TABLE[self.state].get(event, [self.state])
        for action in actions:
            self.act(action)
        assert 0 <= self.paths <= 1
        assert (self.paths == 1) is (self.state != "server")

    def act(self, action: str) -> None:
        match action.split("_"):
            case ["open"]:
                self.paths += 1
            case ["close"]:
                self.paths -= 1
            case ["say", step]:
                self.send.append(Signal(self.epoch, Step(step)))
            case ["show", path]:
                self.shown = path
            case [verb, "server"]:
                self.paused = verb == "pause"


class World:
    """The server's table, two people with a page, a third without, and the wires."""

    def __init__(self) -> None:
        self.call = DirectCall(return_s=1.0, rest_s=3.0, rest_most_s=6.0, timeout_s=2.0, margin_s=0.0)
        self.now = 0.0
        self.up: dict[ParticipantId, deque[Signal]] = {}
        self.down: dict[ParticipantId, deque[DirectSignal]] = {}
        self.clients: dict[ParticipantId, Client] = {}
        self.third = False
        self.epochs = [0]
        self.directs: set[int] = set()
        for who in (A, B):
            self.reload(who)

    def reload(self, who: ParticipantId) -> None:
        """The socket goes, what was on its way is lost, and another page comes back by the same participant."""
        self.update(lost=who)
        self.up[who], self.down[who] = deque(), deque()
        self.clients[who] = Client(self.up[who])
        self.update()

    def update(self, lost: ParticipantId | None = None) -> None:
        present = [*self.clients, *([C] if self.third else [])]
        members = [Member(who, Reason.SIGNALLING if who == lost else None) for who in present]
        self.do(self.call.update(self.now, members))

    def do(self, actions: object) -> None:
        assert isinstance(actions, list)
        for action in actions:
            if isinstance(action, Tell) and action.to in self.down:
                self.down[action.to].append(action.signal)
        if self.call.epoch != self.epochs[-1]:
            self.epochs.append(self.call.epoch)
        if self.call.state is State.DIRECT:
            self.directs.add(self.call.epoch)

    def pass_time(self, seconds: float) -> None:
        end = self.now + seconds
        while (when := self.call.next_time()) is not None and when <= end:
            self.now = max(self.now, when)
            self.do(self.call.timeout(self.now))
        self.now = end

    def deliver_up(self, who: ParticipantId) -> None:
        if self.up[who]:
            self.do(self.call.receive(self.now, who, self.up[who].popleft()))

    def deliver_down(self, who: ParticipantId) -> None:
        if self.down[who]:
            self.clients[who].receive(self.down[who].popleft())

    def check(self) -> None:
        assert self.epochs == sorted(set(self.epochs))
        for client in self.clients.values():
            assert client.paused is (client.state == "direct")
            assert client.shown == ("direct" if client.state == "direct" else "server")
            if client.state == "direct":
                assert client.epoch in self.directs, "only what the server committed"

    def settle(self) -> None:
        """Everything that is on its way arrives."""
        while any(self.up.values()) or any(self.down.values()):
            for who in (A, B):
                self.deliver_up(who)
                self.deliver_down(who)
        for client in self.clients.values():
            if client.state == "returning":
                client.happen("taken")
        for who in (A, B):
            while self.up[who]:
                self.deliver_up(who)


people = st.sampled_from([A, B])
moves = st.one_of(
    st.tuples(st.just("up"), people),
    st.tuples(st.just("down"), people),
    st.tuples(st.just("page"), people, st.sampled_from(["ready", "lost", "taken"])),
    st.tuples(st.just("reload"), people),
    st.tuples(st.just("third"), st.booleans()),
    st.tuples(st.just("time"), st.sampled_from([0.0, 0.5, 1.0, 2.0, 4.0])),
)


def make(world: World, move: tuple[object, ...]) -> None:
    match move:
        case ("up", str(who)):
            world.deliver_up(ParticipantId(who))
        case ("down", str(who)):
            world.deliver_down(ParticipantId(who))
        case ("page", str(who), str(event)):
            world.clients[ParticipantId(who)].happen(event)
        case ("reload", str(who)):
            world.reload(ParticipantId(who))
        case ("third", bool(there)):
            world.third = there
            world.update()
        case ("time", float(seconds)):
            world.pass_time(seconds)


@given(st.lists(moves, max_size=60))
@settings(max_examples=400)
def test_whatever_happens_both_sides_agree_in_the_end(made: list[tuple[object, ...]]) -> None:
    world = World()
    world.pass_time(0.0)
    for move in made:
        make(world, move)
        world.check()
    world.settle()
    world.check()
    states = {client.state for client in world.clients.values()}
    match world.call.state:
        case State.DIRECT:
            assert {client.epoch for client in world.clients.values()} == {world.call.epoch}
            # One that gave its path up has said so, and that has arrived.
            assert states == {"direct"}
        case State.SERVER:
            assert states == {"server"}
    # And from wherever that was, two who are left in peace are direct in the end.
    world.third = False
    world.update()
    for _ in range(20):
        world.pass_time(0.5)
        world.settle()
        for client in world.clients.values():
            client.happen("ready")
        world.settle()
    assert {client.state for client in world.clients.values()} == {"direct"}
    assert world.call.state is State.DIRECT


def test_the_page_knows_what_the_table_asks_for() -> None:
    asked = {action for events in CLIENT_TABLE.values() for _, *actions in events.values() for action in actions}
    assert asked == ACTIONS
    assert {next_ for events in CLIENT_TABLE.values() for next_, *_ in events.values()} == set(CLIENT_TABLE)
