"""One peer connection of a participant: its transport, what was negotiated, its tracks and its slots.

It applies an answer to the data plane: all of it, or, when the offer is refused, nothing. A page that reloads makes
another connection; the participant stays. It knows no room, and of others' tracks those that it shall put into slots.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from sfu.config import Settings
from sfu.data_channels import SctpParameters
from sfu.dataplane.types import TrackParams
from sfu.dtls import Certificate
from sfu.errors import LimitError, PermissionDeniedError
from sfu.ids import Mid, ParticipantId, Ufrag, new_ssrc, new_track_id
from sfu.media_port import MediaPort
from sfu.negotiation import CAPABILITIES, LocalParameters, Negotiated, Role, negotiate
from sfu.protocol.sdp import IceFragment, SdpLimits, parse_fragment, write_fragment
from sfu.slot import Slot
from sfu.track import Track
from sfu.transport import Connected, RemoteParameters, Transport, TransportEvent
from sfu.views import Source

SCREEN_KEYFRAME_MS = 1_000
"""A keyframe of a shared screen is many times its other frames: it is asked for half as often as a camera's."""


@dataclass(frozen=True, slots=True)
class Change:
    """What one offer changed."""

    answer: str
    added: tuple[Track, ...]
    removed: tuple[Track, ...]
    changed: tuple[Track, ...]
    """They go on under another source or mute state."""


class Connection:
    """`on_event` hears what the transport reports, after this object has acted on it."""

    def __init__(
        self,
        connection_id: str,
        owner: ParticipantId,
        port: MediaPort,
        certificate: Certificate,
        role: Role,
        allowed: frozenset[Source] | None,
        settings: Settings,
        on_event: Callable[["Connection", TransportEvent], None],
    ) -> None:
        self.id = connection_id
        self.owner = owner
        self.role = role
        self._allowed = allowed
        self.tracks: dict[Mid, Track] = {}
        self.slots: dict[Mid, Slot] = {}
        self.connected = False
        self.has_history = False
        """Its chat channel was told what was said before."""
        self._port = port
        self._engine = port.engine
        self._settings = settings
        self._on_event = on_event
        self._negotiated: Negotiated | None = None
        self._session_id = secrets.randbits(62)
        self._cname = secrets.token_hex(8)
        self.transport = Transport(
            port,
            certificate=certificate,
            on_event=self._handle,
            dtls_timeout_s=settings.dtls_timeout_seconds,
            ice_timeout_s=settings.ice_timeout_seconds,
            consent_s=settings.consent_seconds,
        )

    def negotiate(self, offer: str, sources: Mapping[Mid, Source], muted: Mapping[Mid, bool]) -> Change:
        """Answer an offer. `SdpError`, `LimitError` and `PermissionDeniedError` leave everything as it was."""
        result = self._answer(offer)
        self._check_limits(result)
        self._check_sources(result, sources)
        first = self._negotiated is None
        (self.transport.start if first else self.transport.update)(_remote(result))
        if result.ice_restart:
            self.transport.restart_ice()
            result = self._answer(offer)
        self._negotiated = result
        self._engine.set_receive(self.transport.handle, result.receive)
        changed = [t for mid, t in self.tracks.items() if t.describe(sources.get(mid), muted.get(mid))]
        added, removed = self._apply_tracks(result, sources, muted)
        self._apply_slots(result)
        return Change(result.answer, tuple(added), tuple(removed), tuple(t for t in changed if t not in removed))

    def trickle(self, text: str) -> str | None:
        """A fragment of WHIP's PATCH (RFC 8840): candidates are not needed by an ICE-lite server and give `None`; new
        credentials are an ICE restart and give the fragment to answer with. `SdpError`.
        """
        fragment = parse_fragment(text)
        current = self._negotiated
        if current is None or fragment.ufrag is None or fragment.ufrag == current.remote_ufrag:
            return None
        self._negotiated = replace(
            current, remote_ufrag=fragment.ufrag, remote_password=fragment.password or current.remote_password
        )
        self.transport.restart_ice()
        ours = self.transport.local_parameters
        return write_fragment(
            IceFragment(Ufrag(ours.ufrag), ours.password, ours.candidates, end=True, mid=fragment.mid)
        )

    def fill(self, filling: Mapping[Mid, Track | None]) -> bool:
        """Put tracks into slots; whether anything changed. Media flows once the transport is connected."""
        changed = False
        for mid, track in filling.items():
            slot = self.slots[mid]
            if slot.track is not track:
                slot.track = track
                changed = True
                if self.connected:
                    self._route(slot)
        return changed

    async def close(self) -> None:
        """Tell the peer, free everything. Its tracks must have left all slots before."""
        self.connected = False
        self.tracks.clear()
        self.slots.clear()
        await self.transport.close()

    def _answer(self, offer: str) -> Negotiated:
        ours = self.transport.local_parameters
        local = LocalParameters(
            ufrag=Ufrag(ours.ufrag),
            password=ours.password,
            fingerprint=ours.fingerprint,
            candidates=ours.candidates,
            session_id=self._session_id,
            session_version=0,
            cname=self._cname,
        )
        return negotiate(
            offer,
            previous=self._negotiated,
            local=local,
            role=self.role,
            capabilities=CAPABILITIES,
            new_ssrc=new_ssrc,
            limits=SdpLimits(max_bytes=self._settings.max_sdp_bytes),
        )

    def _check_limits(self, result: Negotiated) -> None:
        tracks = sum(line.track is not None for line in result.lines)
        if tracks > self._settings.max_tracks:
            raise LimitError(f"a participant publishes at most {self._settings.max_tracks} tracks, not {tracks}")
        slots = sum(line.slot is not None for line in result.lines)
        if slots > self._settings.max_slots:
            raise LimitError(f"a participant receives on at most {self._settings.max_slots} m-lines, not {slots}")

    def _check_sources(self, result: Negotiated, sources: Mapping[Mid, Source]) -> None:
        """A token may allow some sources only; then each track must be named as one of them, and be of its kind."""
        for line in result.lines:
            if line.track is None or self._allowed is None:
                continue
            known = self.tracks.get(line.mid)
            source = sources.get(line.mid, known.source if known else Source.UNKNOWN)
            if source not in self._allowed or source.kind is not line.track.kind:
                raise PermissionDeniedError(f"your token does not allow to publish {source.value} on m-line {line.mid}")

    def _apply_tracks(
        self, result: Negotiated, sources: Mapping[Mid, Source], muted: Mapping[Mid, bool]
    ) -> tuple[list[Track], list[Track]]:
        wanted = {line.mid: line.track for line in result.lines if line.track is not None}
        for mid, params in wanted.items():
            known = self.tracks.get(mid)
            if sources.get(mid, known.source if known else Source.UNKNOWN) is Source.SCREEN:
                wanted[mid] = replace(params, keyframe_interval_ms=SCREEN_KEYFRAME_MS)
        removed = [track for mid, track in self.tracks.items() if not _continues(track, wanted.get(mid))]
        for track in removed:
            del self.tracks[track.mid]
            self._engine.remove_track(track.handle)
        added = []
        for mid, params in wanted.items():
            track_now = self.tracks.get(mid)
            if track_now is None:
                handle = self._engine.add_track(self.transport.handle, params)
                source = sources.get(mid, Source.UNKNOWN)
                track_now = Track(new_track_id(), self.owner, params, handle, source, muted.get(mid, False))
                self.tracks[mid] = track_now
                added.append(track_now)
            elif track_now.params != params:
                track_now.params = params
                self._engine.update_track(track_now.handle, params)
        return added, removed

    def _apply_slots(self, result: Negotiated) -> None:
        wanted = {line.mid: line.slot for line in result.lines if line.slot is not None}
        numbers = {line.mid: line.slot_number for line in result.lines}
        for mid in [mid for mid, slot in self.slots.items() if mid not in wanted or wanted[mid].kind != slot.kind]:
            self._engine.remove_slot(self.slots.pop(mid).handle)
        for mid, params in wanted.items():
            slot = self.slots.get(mid)
            if slot is None:
                handle = self._engine.add_slot(self.transport.handle, params)
                self.slots[mid] = Slot(params, handle, numbers[mid])
            elif slot.params != params:
                slot.params = params
                self._engine.update_slot(slot.handle, params)
        self.slots = {mid: self.slots[mid] for mid in wanted}

    def _handle(self, event: TransportEvent) -> None:
        if isinstance(event, Connected) and not self.connected:
            self.connected = True
            for slot in self.slots.values():
                self._route(slot)
        self._on_event(self, event)

    def _route(self, slot: Slot) -> None:
        self._engine.route(slot.handle, slot.track.handle if slot.track else None)


def _remote(result: Negotiated) -> RemoteParameters:
    data = result.data_channels
    sctp = SctpParameters(data.remote_port, data.max_message_size) if data is not None else None
    return RemoteParameters(fingerprints=result.remote_fingerprints, sctp=sctp)


def _continues(track: Track, params: TrackParams | None) -> bool:
    return params is not None and params.kind is track.kind
