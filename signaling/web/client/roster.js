// Who is in the room and what they publish, folded from the server's messages. Pure: no socket, no media.

export class Roster {
  /** Participant id → {id, name, admin, tracks: Map of track id → {id, kind, source, muted}}; without oneself. */
  participants = new Map();

  /** Replaces everything by what `welcome` says. Returns the differences as events. */
  reset(views) {
    const events = [];
    const present = new Set(views.map((view) => view.id));
    for (const id of [...this.participants.keys()]) if (!present.has(id)) events.push(...this.#leave(id, "timeout"));
    for (const view of views) {
      const known = this.participants.get(view.id);
      events.push(...(known ? [...this.#change(view), ...this.#merge(known, view.tracks)] : this.#join(view)));
    }
    return events;
  }

  /** Folds one message. Returns the events that it means: [[type, detail], …]. */
  apply(message) {
    const participant = this.participants.get(message.participant);
    switch (message.type) {
      case "participant_joined":
        return this.participants.has(message.participant.id) ? [] : this.#join(message.participant);
      case "participant_changed":
        return this.#change(message.participant);
      case "participant_left":
        return this.#leave(message.participant, message.reason);
      case "track_added":
      case "track_changed":
        return participant ? this.#track(participant, message.track) : [];
      case "track_removed":
        return participant?.tracks.delete(message.track) ? [["trackremoved", { participant, track: message.track }]] : [];
      default:
        return [];
    }
  }

  #join(view) {
    const participant = { id: view.id, name: view.name, admin: Boolean(view.admin), tracks: new Map() };
    this.participants.set(view.id, participant);
    for (const track of view.tracks) participant.tracks.set(track.id, track);
    return [["participantjoined", { participant }]];
  }

  #change({ id, admin = false }) {
    const participant = this.participants.get(id);
    if (!participant || participant.admin === admin) return [];
    participant.admin = admin;
    return [["participantchanged", { participant }]];
  }

  #leave(id, reason) {
    const participant = this.participants.get(id);
    if (!participant) return [];
    this.participants.delete(id);
    return [["participantleft", { participant, reason }]];
  }

  #track(participant, track) {
    const type = participant.tracks.has(track.id) ? "trackchanged" : "trackadded";
    participant.tracks.set(track.id, track);
    return [[type, { participant, track }]];
  }

  #merge(participant, tracks) {
    const events = [];
    const present = new Set(tracks.map((track) => track.id));
    for (const id of [...participant.tracks.keys()]) {
      if (present.has(id)) continue;
      participant.tracks.delete(id);
      events.push(["trackremoved", { participant, track: id }]);
    }
    for (const track of tracks) events.push(...this.#track(participant, track));
    return events;
  }
}
