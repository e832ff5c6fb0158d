// Raised hands, told from client to client over a data channel of their own. Whoever comes asks ("?"), whoever has a hand
// up answers; so the server need not remember them.

const TEXTS = { UP: "up", DOWN: "down", ASK: "?" };

export class Hands {
  #raised = new Map(); // participant id → when, in ms since 1970
  #channel = null;
  #own = null; // own id while the own hand is up

  /** Participant ids in the order in which hands went up. */
  get order() {
    return [...this.#raised].sort(([, a], [, b]) => a - b).map(([id]) => id);
  }

  attach(channel) {
    this.#channel = channel;
    channel?.addEventListener("open", () => {
      this.#send(TEXTS.ASK);
      if (this.#own) this.#send(TEXTS.UP);
    });
  }

  /** @returns {boolean} whether anything changed */
  set(id, up) {
    if (up === Boolean(this.#own)) return false;
    this.#own = up ? id : null;
    this.#note(id, up, Date.now());
    this.#send(up ? TEXTS.UP : TEXTS.DOWN);
    return true;
  }

  /** Folds a text of somebody else in. Returns true or false for a hand that went up or down, undefined otherwise. */
  receive({ from, text, at_ms: at }) {
    if (text === TEXTS.ASK) {
      if (this.#own) this.#send(TEXTS.UP);
      return undefined;
    }
    const up = text === TEXTS.UP;
    if (up === this.#raised.has(from) || (!up && text !== TEXTS.DOWN)) return undefined;
    this.#note(from, up, at);
    return up;
  }

  forget(id) {
    this.#raised.delete(id);
  }

  /** Another participation begins: nobody's hand is known. */
  clear() {
    this.#raised.clear();
    this.#own = null;
  }

  #note(id, up, at) {
    if (up) this.#raised.set(id, at);
    else this.#raised.delete(id);
  }

  #send(text) {
    if (this.#channel?.open) this.#channel.send({ text });
  }
}
