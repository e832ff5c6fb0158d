// How often to draw: many reasons make one drawing, and in a crowd drawing leaves time for everything else.

const QUICK_MS = 5; // drawing that takes less is done at once
const REST = 3; // times as long as drawing took, before the next
const MOST_REST_MS = 200;

export class Pace {
  #draw;
  #timer = 0;
  #tookMs = 0;

  /** @param {() => void} draw */
  constructor(draw) {
    this.#draw = draw;
  }

  /** Something has changed. */
  soon() {
    // No animation frame: people must be heard in a hidden tab, too.
    this.#timer ||= setTimeout(() => this.now(), Math.min(MOST_REST_MS, this.#tookMs < QUICK_MS ? 0 : this.#tookMs * REST));
  }

  now() {
    this.#timer = 0;
    const began = performance.now();
    this.#draw();
    this.#tookMs = performance.now() - began;
  }

  close() {
    clearTimeout(this.#timer);
  }
}
