// Totals become rates: what a counter grew by since the last look, a second. Pure.

export class Rates {
  #before = new Map(); // name → [total, at]
  #now = new Map();
  #at = 0;

  /** A new look begins; `at` in seconds. What was not asked for in the last look is forgotten. */
  begin(at) {
    this.#before = this.#now;
    this.#now = new Map();
    this.#at = at;
  }

  /** A second, or null at the first sight of it, or after a restart. */
  of(name, total) {
    const [past, then] = this.#before.get(name) ?? [Infinity, 0];
    this.#now.set(name, [total, this.#at]);
    return total >= past && this.#at > then ? (total - past) / (this.#at - then) : null;
  }
}
