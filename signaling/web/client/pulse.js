// Says when a line to the server has to prove that it is alive: every few seconds, and at once when the machine has slept,
// the network has changed, or the page is seen again. It keeps no line itself.

const TICK_MS = 1_000;
const EVERY_MS = 5_000;
const SLEPT_MS = 5_000; // a timer that is so late was stopped, with everything else on this page

export const PATIENT_MS = 1_500; // for an answer, in the ordinary course
export const HASTY_MS = 400; // for an answer, where the line is probably dead

export class Pulse {
  #prove;
  #timer = 0;
  #last = 0;
  #tickedAt = 0;
  #events = new AbortController();

  /** @param {(patience: number) => void} prove  patience: milliseconds that the line has for it */
  constructor(prove) {
    this.#prove = prove;
    const hasty = () => this.#now(HASTY_MS);
    const options = { signal: this.#events.signal };
    globalThis.addEventListener?.("online", hasty, options);
    globalThis.addEventListener?.("pageshow", hasty, options);
    globalThis.document?.addEventListener("visibilitychange", () => document.hidden || hasty(), options);
    globalThis.navigator?.connection?.addEventListener?.("change", hasty, options);
    this.#tickedAt = this.#last = Date.now();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  close() {
    clearInterval(this.#timer);
    this.#events.abort();
  }

  #tick() {
    const now = Date.now(); // goes on while a machine sleeps; other clocks may not
    const slept = now - this.#tickedAt > TICK_MS + SLEPT_MS;
    this.#tickedAt = now;
    if (slept) this.#now(HASTY_MS);
    else if (now - this.#last >= EVERY_MS) this.#now(PATIENT_MS);
  }

  #now(patience) {
    this.#last = Date.now();
    this.#prove(patience);
  }
}
