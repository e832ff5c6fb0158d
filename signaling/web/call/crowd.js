// Which tiles are seen when there are more than fit. Whoever speaks or has a picture comes in, in the place of whoever has been quiet
// for longest; nobody else moves.

export class Crowd {
  #shown = []; // keys in their places
  #spoke = new Map(); // key → when, in looks
  #looks = 0;

  /** @param {string[]} keys  all of them  @param {number} most  that fit  @param {Map<string, object>} entries  of the cast, by key */
  choose(keys, most, entries) {
    this.#listen(entries);
    const present = new Set(keys);
    this.#shown = this.#shown.filter((key) => present.has(key)).slice(0, most);
    const seen = new Set(this.#shown);
    const out = keys.filter((key) => !seen.has(key));
    this.#shown.push(...out.splice(0, most - this.#shown.length));
    for (const key of out.filter((one) => wanted(entries.get(one)))) {
      const place = this.#quietest(entries);
      if (place < 0) break;
      this.#shown[place] = key;
    }
    return [...this.#shown];
  }

  #listen(entries) {
    this.#looks += 1;
    for (const key of this.#spoke.keys()) if (!entries.has(key)) this.#spoke.delete(key);
    for (const [key, { speaking }] of entries) if (speaking) this.#spoke.set(key, this.#looks);
  }

  /** The place to give away, the last one among equals; -1: everybody there is wanted. */
  #quietest(entries) {
    let best = -1;
    for (const [place, key] of this.#shown.entries()) {
      const entry = entries.get(key);
      if (entry.self || wanted(entry)) continue;
      if (best < 0 || (this.#spoke.get(key) ?? 0) <= (this.#spoke.get(this.#shown[best]) ?? 0)) best = place;
    }
    return best;
  }
}

const wanted = ({ speaking, stream, screen }) => speaking || screen || stream !== null;
