// Order in a room: its state, who waits to come in, and what an administrator asks of others. The server decides; this only
// says what is wanted, and tells what came of it.
//
// Tells: "room" ({state}), "waitinglist" ({waiting}), "permissions" ({permissions}), "asked" ({source, muted, by}),
// "declined" ({participant, source, muted}), "muted" ({track, source, by, mayUnmute}).

const OPEN = { locked: false, waiting_room: false, microphone: true, camera: true, screen: true, chat: true, direct: true };

export class Order {
  /** What the room allows; see PROTOCOL.md, room. */
  state = OPEN;
  /** [{id, name, since, removed}], for administrators. */
  waiting = [];
  #send;
  #tell;

  /** @param {(message: object) => void} send  @param {(type: string, detail: object) => void} tell */
  constructor(send, tell) {
    this.#send = send;
    this.#tell = tell;
  }

  /** Another participation begins, or the same one again. @param {{state?: object}} welcome */
  reset({ state = OPEN }) {
    this.waiting = [];
    this.state = state;
    this.#tell("waitinglist", { waiting: [] });
    this.#tell("room", { state });
  }

  /** @returns {boolean} whether the message was about order */
  receive(message) {
    const { type, state, waiting, participant, source, muted, by, track, may_unmute: mayUnmute } = message;
    if (type === "room") this.#tell(type, { state: (this.state = state) });
    else if (type === "waiting_list") this.#tell("waitinglist", { waiting: (this.waiting = waiting) });
    else if (type === "asked") this.#tell(type, { source, muted, by });
    else if (type === "declined") this.#tell(type, { participant, source, muted });
    else if (type === "muted") this.#tell(type, { track, source, by, mayUnmute });
    else return false;
    return true;
  }

  /** Changes a part of the room's state, as {locked: true}. */
  change(parts) {
    this.#send({ type: "room", ...parts });
  }

  ask(participant, source, muted) {
    this.#send({ type: "ask", participant, source, muted });
  }

  /** No to what was "asked". */
  decline({ by, source, muted }) {
    this.#send({ type: "decline", participant: by, source, muted });
  }

  /** Somebody's track: nobody gets it any longer. @param {string} track  id */
  mute(track) {
    this.#send({ type: "mute", track, muted: true });
  }

  muteAll(source) {
    this.#send({ type: "mute_all", source });
  }

  allow(participant, source, allowed) {
    this.#send({ type: "allow", participant, source, allowed });
  }

  lowerHand(participant) {
    this.#send({ type: "hand", raised: false, participant });
  }

  promote(participant) {
    this.#send({ type: "promote", participant });
  }

  remove(participant) {
    this.#send({ type: "remove", participant });
  }

  /** A message of the chat is gone for everybody; authors may do this, too. @param {string} message  id */
  retract(message) {
    this.#send({ type: "retract", message });
  }

  /** @param {string[]} [waiting]  ids; all without */
  admit(waiting) {
    this.#send({ type: "admit", ...(waiting ? { waiting } : {}) });
  }

  refuse(waiting) {
    this.#send({ type: "refuse", ...(waiting ? { waiting } : {}) });
  }

  end() {
    this.#send({ type: "end" });
  }
}
