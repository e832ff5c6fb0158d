// Finds out when the server answers again: small requests one after the other, none of which waits for the one before. A
// request that went into a dead network may come out of it long after the network is back, and so may a WebSocket.

const EVERY_MS = 300;
const SPREAD_MS = 500; // so that a restarted server is not met by everybody at once
const PATIENCE_MS = 3_000; // with one request
const EAGER = 100; // requests at this pace, about a minute
const TIRED = 5; // times slower afterwards
const BELIEVED = 8; // refusals in a row, then try all the same: the answer may be kept from this page alone

export class Reach {
  #url;
  #onAnswer;
  #search = null; // the present one; its requests know it
  #timer = 0;

  /** @param {URL} url  what is asked for  @param {() => void} onAnswer  once for each `start` */
  constructor(url, onAnswer) {
    this.#url = url;
    this.#onAnswer = onAnswer;
  }

  get searching() {
    return this.#search !== null;
  }

  /** Begins a search, unless one is under way. */
  start(delay = 0) {
    if (this.#search) return;
    this.#search = { asked: 0, refused: 0 };
    this.#timer = setTimeout(() => this.#ask(this.#search), delay);
  }

  /** Something changed: asks at once if it is searching at all. */
  hurry() {
    if (!this.#search) return;
    this.#search.asked = 0;
    clearTimeout(this.#timer);
    this.#ask(this.#search);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#search = null;
  }

  async #ask(search) {
    const pace = search.asked++ < EAGER ? 1 : TIRED;
    this.#timer = setTimeout(() => this.#ask(search), pace * (EVERY_MS + SPREAD_MS * Math.random()));
    const reached = await this.#answers(search);
    if (search !== this.#search || !reached) return;
    this.stop();
    this.#onAnswer();
  }

  async #answers(search) {
    try {
      const options = { mode: "no-cors", cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) };
      const { status } = await fetch(this.#url, options);
      return status < 500; // a proxy whose server is away, or a server that is not ready yet
    } catch (error) {
      if (error.name === "TimeoutError") search.refused = 0;
      else search.refused++;
      return search.refused >= BELIEVED;
    }
  }
}
