// Small signs to everybody (a thumb, applause, …), told from client to client over a data channel of their own. Nobody keeps
// them: whoever comes later has missed them.

export const REACTIONS = Object.freeze(["👍", "👏", "❤️", "😂", "😮", "🎉"]);

const PAUSE_MS = 250; // between two of one's own: the server drops what comes faster than people mean it

export class Reactions {
  #channel = null;
  #sentAt = -PAUSE_MS;

  attach(channel) {
    this.#channel = channel;
  }

  /** @returns {boolean} whether it went out */
  send(reaction, now = performance.now()) {
    if (!REACTIONS.includes(reaction) || now - this.#sentAt < PAUSE_MS || !this.#channel?.open) return false;
    this.#sentAt = now;
    return this.#channel.send({ text: reaction });
  }

  /** The reaction in a text of somebody else, or null. */
  read({ text }) {
    return REACTIONS.includes(text) ? text : null;
  }
}
