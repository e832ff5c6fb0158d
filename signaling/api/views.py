"""From rooms and participants to what the API says of them. Reads, changes nothing."""

import json
from typing import Any, Literal

from sfu.dataplane.types import Kind, LayerStats
from sfu.participant import Participant
from sfu.room import Room
from sfu.slot import Slot
from sfu.track import Track
from signaling.api.models import (
    KindName,
    Layer,
    Person,
    RoomDetails,
    RoomSummary,
    SlotDetails,
    State,
    TrackDetails,
    WaitingPerson,
)


def summary(room: Room) -> RoomSummary:
    people = room.participants.values()
    return RoomSummary(participants=len(people), waiting=len(room.reception.waiting), **_common(room))


def details(room: Room) -> RoomDetails:
    waiting = [
        WaitingPerson(id=one.id, name=one.name, since=one.since_ms, removed=one.removed)
        for one in room.reception.waiting.view
    ]
    people = [_person(room, participant) for participant in room.participants.values()]
    return RoomDetails(participants=people, waiting=waiting, **_common(room))


def _common(room: Room) -> dict[str, Any]:
    state = room.state
    return {
        "name": room.name,
        "created": int(room.created_s),
        "tracks": sum(len(participant.tracks) for participant in room.participants.values()),
        "max_participants": room.max_participants,
        "empty_ttl_seconds": room.keep_empty_s,
        "state": State(
            locked=state.locked,
            waiting_room=state.waiting_room,
            microphone=state.microphone,
            camera=state.camera,
            screen=state.screen,
            chat=state.chat,
            direct=state.direct,
            metadata=json.loads(state.metadata),
        ),
    }


def _person(room: Room, participant: Participant) -> Person:
    engine, connection = room.port.engine, participant.connection
    return Person(
        id=participant.id,
        name=participant.name,
        identity=participant.identity,
        hidden=participant.hidden,
        attached=participant.attached,
        admin=participant.permissions.admin,
        hand=room.hands.raised_ms(participant.id),
        connection=connection.transport.state if connection is not None else None,
        path=connection.transport.path if connection is not None else None,
        transport=engine.transport_stats(connection.transport.handle) if connection is not None else None,
        tracks=[_track(room, track) for track in participant.tracks.values()],
        slots=[_slot(room, slot) for slot in participant.slots],
    )


def _track(room: Room, track: Track) -> TrackDetails:
    return TrackDetails(
        id=track.id,
        kind=_kind(track.kind),
        source=track.source.value,
        muted=track.silent,
        blocked=track.blocked,
        layers=[_layer(layer) for layer in room.port.engine.track_stats(track.handle)],
    )


def _layer(layer: LayerStats | None) -> Layer | None:
    if layer is None:
        return None
    return Layer(
        ssrc=layer.ssrc,
        live=layer.live,
        packets=layer.packets,
        bytes=layer.bytes,
        lost=layer.lost,
        jitter_us=layer.jitter_us,
        nacks_sent=layer.nacks_sent,
        keyframe_requests_sent=layer.keyframe_requests_sent,
        format=layer.format.name if layer.format is not None else None,
    )


def _slot(room: Room, slot: Slot) -> SlotDetails:
    stats = room.port.engine.slot_stats(slot.handle)
    return SlotDetails(
        mid=slot.mid,
        kind=_kind(slot.kind),
        track=slot.track.id if slot.track is not None else None,
        layer=stats.layer,
        packets=stats.packets,
        bytes=stats.bytes,
        retransmissions=stats.retransmissions,
        nacks_received=stats.nacks_received,
        keyframe_requests_received=stats.keyframe_requests_received,
        layer_switches=stats.layer_switches,
        loss_ratio=stats.loss_ratio,
        jitter_us=stats.jitter_us,
    )


def _kind(kind: Kind) -> KindName:
    name: Literal["audio", "video"] = "audio" if kind is Kind.AUDIO else "video"
    return name
