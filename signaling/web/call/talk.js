// The chat as a part of the call: what came while its panel was closed is counted and shown for a moment.

import { notify } from "../ui/toast.js";
import { Chat } from "./chat.js";

export class Talk {
  chat;
  #meeting;
  #controls;
  #unread = 0;
  #seen = false; // whether the panel is open

  /** @param {Controls} controls  which show how much is unread */
  constructor(meeting, controls) {
    this.#meeting = meeting;
    this.#controls = controls;
    this.chat = new Chat(meeting);
  }

  /** The panel was opened or closed. @param {object[]} cast  see cast.js: whom one can write to */
  setSeen(seen, cast) {
    this.#seen = seen;
    if (!seen) return;
    this.update(cast);
    this.#unread = 0;
    this.#controls.setUnread(0);
  }

  /** Nobody looks at a closed list of a thousand names. */
  update(cast) {
    if (!this.#seen) return;
    this.chat.setPeople(cast.filter(({ self, screen }) => !self && !screen).map(({ participant: id, name }) => ({ id, name })));
  }

  received(message) {
    const { to, own, name, text, file, past } = message;
    this.chat.add(message, to ? (this.#meeting.participants.get(to)?.name ?? "") : null);
    if (own || this.#seen) return;
    this.#controls.setUnread(++this.#unread);
    if (!past) notify(`${name}: ${text || file?.name}`, to ? "lock" : "chat");
  }

  /** What one may do has changed. */
  permitted() {
    const { order, permissions, self, limits } = this.#meeting;
    this.chat.setHost(self.admin);
    this.chat.allow(permissions.data && (order.state.chat || self.admin), limits.file_bytes ?? 0);
  }
}
