// What the server says of a room, and of oneself in it: who is there, who speaks, what one may do. Asks for nothing, and knows no media.
//
// Tells: "participantjoined" ({participant}), "participantleft" ({participant, reason}), "participantchanged" ({participant}),
// "trackadded" and "trackchanged" ({participant, track}), "trackremoved" ({participant, track: id}), "speakers" ({participants: ids}),
// "permissions" ({permissions}).

import { Roster } from "./roster.js";

export class Room {
  self = null;
  permissions = { publish: true, subscribe: true, data: true, admin: false };
  limits = {};
  speakers = [];
  #roster = new Roster();
  #tell;

  /** @param {(type: string, detail: object) => void} tell */
  constructor(tell) {
    this.#tell = tell;
  }

  get participants() {
    return this.#roster.participants;
  }

  /** All that the others publish. */
  get tracks() {
    return [...this.participants.values()].flatMap(({ tracks }) => [...tracks.values()]);
  }

  may(source) {
    const { publish, sources } = this.permissions;
    return publish && (!sources || sources.includes(source));
  }

  /** Takes what "welcome" says. Returns what has changed of the others, still to be told: [[type, detail], …]. */
  reset({ participant, permissions, limits, participants }) {
    this.self = { id: participant.id, name: participant.name };
    this.#permit(permissions);
    this.limits = limits;
    return this.#roster.reset(participants);
  }

  receive(message) {
    if (message.type === "speakers") this.speak(message.participants);
    else if (message.type === "permissions") this.#permit(message.permissions);
    else for (const [type, detail] of this.#roster.apply(message)) this.#tell(type, detail);
  }

  /** @param {string[]} participants  ids; the loudest first */
  speak(participants) {
    this.speakers = participants;
    this.#tell("speakers", { participants });
  }

  #permit(permissions) {
    this.permissions = permissions;
    this.self.admin = permissions.admin;
    this.#tell("permissions", { permissions });
  }
}
