// Who is shown large while nobody is pinned: whoever speaks, and the last one who did. A cough does not move the picture.

const HOLD_MS = 2_000; // from one change to the next

export class Spotlight {
  key = null;
  #changedAt = -HOLD_MS;
  #timer = 0;
  #again;

  /** @param {() => void} again  called when it is time to look again */
  constructor(again) {
    this.#again = again;
  }

  /** @param {object[]} cast  see cast.js  @returns {string | null} the key of a tile */
  follow(cast, now = performance.now()) {
    clearTimeout(this.#timer);
    const others = cast.filter(({ self, screen }) => !self && !screen);
    const present = others.find(({ key }) => key === this.key);
    const speaker = others.find(({ speaking }) => speaking);
    if (present && (present.speaking || !speaker)) return this.key;
    const next = (speaker ?? others[0])?.key ?? null;
    const wait = this.#changedAt + HOLD_MS - now;
    if (present && wait > 0) {
      this.#timer = setTimeout(this.#again, wait);
      return this.key;
    }
    if (speaker || !present) this.#changedAt = speaker ? now : -HOLD_MS;
    this.key = next;
    return next;
  }

  close() {
    clearTimeout(this.#timer);
  }
}
