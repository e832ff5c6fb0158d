// Raised hands, as the server keeps them: whose went up first is first. Pure.

export class Hands {
  #raised = new Map(); // participant id → since when, in ms since 1970

  /** Participant ids in the order in which hands went up. */
  get order() {
    return [...this.#raised].sort(([, a], [, b]) => a - b).map(([id]) => id);
  }

  /** Takes what the server says of a participant. Returns true or false for a hand that went up or down, else undefined. */
  note({ id, hand = null }) {
    const up = hand !== null;
    if (up === this.#raised.has(id)) return undefined;
    if (up) this.#raised.set(id, hand);
    else this.#raised.delete(id);
    return up;
  }

  /** Whoever is not among these is gone. @param {string[]} present  participant ids */
  keep(present) {
    for (const id of this.#raised.keys()) if (!present.includes(id)) this.#raised.delete(id);
  }
}
