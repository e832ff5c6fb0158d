"""From the room model's events and views to messages on the wire. Pure."""

import json
from collections.abc import Iterable
from functools import lru_cache

from sfu import events
from sfu.config import Settings
from sfu.dataplane.types import Kind
from sfu.direct_signal import DirectSignal
from sfu.errors import LocalError
from sfu.participant import Participant
from sfu.room import Room
from sfu.room_state import RoomState
from sfu.views import ParticipantView, PermissionsView, SlotView, TrackView
from signaling import server_messages
from signaling.direct_messages import direct_message


def encode_event(event: events.RoomEvent) -> str | None:
    """The message for an event; `None` where clients see for themselves."""
    if isinstance(event, DirectSignal):
        return direct_message(event).model_dump_json()
    return _encode_for_all(event)


@lru_cache(maxsize=256)
def _encode_for_all(event: events.RoomEvent) -> str | None:
    """Cached: one event goes to everybody in a room."""
    match event:
        case events.ParticipantJoined(participant):
            return server_messages.ParticipantJoined(participant=participant_info(participant)).model_dump_json()
        case events.ParticipantLeft(who, reason):
            return server_messages.ParticipantLeft(participant=who, reason=reason).model_dump_json()
        case events.ParticipantChanged(participant):
            return server_messages.ParticipantChanged(participant=participant_info(participant)).model_dump_json()
        case events.TrackAdded(who, track):
            return server_messages.TrackAdded(participant=who, track=track_info(track)).model_dump_json()
        case events.TrackChanged(who, track):
            return server_messages.TrackChanged(participant=who, track=track_info(track)).model_dump_json()
        case events.TrackRemoved(who, track_id):
            return server_messages.TrackRemoved(participant=who, track=track_id).model_dump_json()
        case events.SlotsChanged(slots):
            return server_messages.Slots(slots=tuple(map(slot_info, slots))).model_dump_json()
        case events.SlotsNeeded(audio, video):
            return server_messages.SlotsNeeded(audio=audio, video=video).model_dump_json()
        case events.SpeakersChanged(who_speaks):
            return server_messages.Speakers(participants=who_speaks).model_dump_json()
        case events.Closed(reason):
            return server_messages.Closed(reason=reason).model_dump_json()
        case events.RoomChanged(state):
            return server_messages.Room(state=room_state(state)).model_dump_json()
        case events.PermissionsChanged(permissions):
            return server_messages.Permissions(permissions=permissions_info(permissions)).model_dump_json()
        case events.WaitingListChanged(waiting):
            infos = (
                server_messages.WaitingInfo(id=w.id, name=w.name, since=w.since_ms, removed=w.removed) for w in waiting
            )
            return server_messages.WaitingList(waiting=tuple(infos)).model_dump_json()
        case events.Asked(source, muted, by):
            return server_messages.Asked(source=source.value, muted=muted, by=by).model_dump_json()
        case events.Declined(source, muted, who):
            return server_messages.Declined(participant=who, source=source.value, muted=muted).model_dump_json()
        case events.Muted(track_id, source, by, may_unmute):
            return server_messages.Muted(
                track=track_id, source=source.value, by=by, may_unmute=may_unmute
            ).model_dump_json()
        case events.ConnectionChanged() | events.Admitted() | events.TurnedAway():
            return None
    raise LocalError(f"an event without a message: {event!r}")


def welcome(
    participant: Participant,
    room: Room,
    others: Iterable[ParticipantView],
    settings: Settings,
    *,
    ice_servers: tuple[server_messages.IceServer, ...],
    direct_ice_servers: tuple[server_messages.IceServer, ...],
    resumed: bool,
) -> server_messages.Welcome:
    """What somebody who just came needs to know."""
    return server_messages.Welcome(
        room=room.name,
        participant=participant_info(participant.view),
        resume=participant.resume_token,
        resumed=resumed,
        participants=tuple(map(participant_info, others)),
        permissions=permissions_info(participant.permissions_view),
        state=room_state(room.state),
        ice_servers=ice_servers,
        direct_ice_servers=direct_ice_servers,
        limits=server_messages.Limits(
            message_bytes=settings.max_message_bytes,
            tracks=settings.max_tracks,
            participants=room.max_participants,
            file_bytes=settings.max_file_bytes,
        ),
    )


def participant_info(view: ParticipantView) -> server_messages.ParticipantInfo:
    tracks = tuple(map(track_info, view.tracks))
    return server_messages.ParticipantInfo(
        id=view.id, name=view.name, tracks=tracks, admin=view.admin, hand=view.hand_ms
    )


def permissions_info(view: PermissionsView) -> server_messages.PermissionsInfo:
    sources: tuple[server_messages.SourceName, ...] = tuple(source.value for source in view.sources)
    return server_messages.PermissionsInfo(
        publish=view.publish, subscribe=view.subscribe, data=view.data, admin=view.admin, sources=sources
    )


def room_state(state: RoomState) -> server_messages.RoomState:
    return server_messages.RoomState(
        locked=state.locked,
        waiting_room=state.waiting_room,
        microphone=state.microphone,
        camera=state.camera,
        screen=state.screen,
        chat=state.chat,
        direct=state.direct,
        metadata=json.loads(state.metadata),
    )


def track_info(view: TrackView) -> server_messages.TrackInfo:
    return server_messages.TrackInfo(
        id=view.id,
        kind="audio" if view.kind is Kind.AUDIO else "video",
        source=view.source.value,
        muted=view.muted,
    )


def slot_info(view: SlotView) -> server_messages.SlotInfo:
    return server_messages.SlotInfo(
        mid=view.mid,
        kind="audio" if view.kind is Kind.AUDIO else "video",
        track=view.track_id,
        participant=view.participant_id,
    )
