"""From the room model's events and views to messages on the wire. Pure."""

from collections.abc import Iterable
from functools import lru_cache

from sfu import events
from sfu.config import Settings
from sfu.dataplane.types import Kind
from sfu.direct_signal import DirectSignal
from sfu.errors import LocalError
from sfu.participant import Participant
from sfu.views import ParticipantView, SlotView, TrackView
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
        case events.ConnectionChanged():
            return None
    raise LocalError(f"an event without a message: {event!r}")


def welcome(
    participant: Participant,
    others: Iterable[ParticipantView],
    settings: Settings,
    *,
    ice_servers: tuple[server_messages.IceServer, ...],
    resumed: bool,
) -> server_messages.Welcome:
    """What somebody who just came needs to know."""
    permissions = participant.permissions
    return server_messages.Welcome(
        room=participant.room.name,
        participant=participant_info(participant.view),
        resume=participant.resume_token,
        resumed=resumed,
        participants=tuple(map(participant_info, others)),
        permissions=server_messages.PermissionsInfo(
            publish=permissions.publish,
            subscribe=permissions.subscribe,
            data=permissions.publish_data,
            admin=permissions.admin,
        ),
        ice_servers=ice_servers,
        limits=server_messages.Limits(
            message_bytes=settings.max_message_bytes,
            tracks=settings.max_tracks,
            participants=settings.max_participants,
        ),
    )


def participant_info(view: ParticipantView) -> server_messages.ParticipantInfo:
    return server_messages.ParticipantInfo(id=view.id, name=view.name, tracks=tuple(map(track_info, view.tracks)))


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
