// Remembers a participation over a reload of the tab. The entry is written when the page goes away and taken out when
// the next one starts, so that a duplicated tab, which gets a copy of the storage, does not steal the participant.

const PREFIX = "ciranda.session.";

/** What the previous page of this tab left for this room, without taking it. */
export function savedSession(room, storage = globalThis.sessionStorage) {
  try {
    return JSON.parse(storage.getItem(PREFIX + room));
  } catch {
    return null; // no storage, or not ours
  }
}

export function forgetSession(room, storage = globalThis.sessionStorage) {
  try {
    storage.removeItem(PREFIX + room);
  } catch {
    // a browser without storage has nothing to forget
  }
}

export class Session {
  /** @param {string} room  @param {() => object | null} snapshot  called when the page goes; null: nothing to resume */
  constructor(room, snapshot) {
    this.previous = savedSession(room);
    forgetSession(room);
    this._room = room;
    this._snapshot = snapshot;
    this._save = () => this.#save();
    addEventListener("pagehide", this._save);
  }

  close() {
    removeEventListener("pagehide", this._save);
  }

  #save() {
    const state = this._snapshot();
    if (!state) return;
    try {
      sessionStorage.setItem(PREFIX + this._room, JSON.stringify(state));
    } catch {
      // storage is full or off: a reload then joins anew
    }
  }
}
