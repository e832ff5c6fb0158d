// The order of the tiles. When another tile becomes the large one, the two change places and nobody else moves.

export class Strip {
  #order = []; // keys beside the large one
  #large = null;

  /** The large one first, if there is one. @param {string[]} keys  in the order of the cast  @param {string | null} large */
  arrange(keys, large) {
    if (!large) {
      this.#large = null;
      return keys;
    }
    if (!this.#large) this.#order = keys;
    else if (large !== this.#large) this.#order = this.#order.map((key) => (key === large ? this.#large : key));
    this.#large = large;
    const known = new Set(this.#order);
    const present = new Set(keys);
    this.#order = [...this.#order, ...keys.filter((key) => !known.has(key))].filter((key) => present.has(key) && key !== large);
    return [large, ...this.#order];
  }
}
