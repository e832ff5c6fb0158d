// Brings a media connection back: first by an ICE restart, then by giving the peer up so that a new one is built. It does
// not wait until the browser calls a path dead: packets that came all the time and stop coming say so sooner.
// Owns the waiting times; never touches m-lines.

const LOOK_MS = 300; // between two looks at what has arrived
const STEADY = 3; // looks in a row with something new: from then on silence means something
const SILENT_MS = 1_000; // whoever sends or receives gets reports or media many times a second
const DOUBTFUL_MS = 300; // the same, when there is another reason to doubt
const RESTART_MS = 10_000; // from the answer to an ICE restart until something arrives
const FIRST_CONNECT_MS = 15_000;

export class Recovery {
  #peer;
  #onStuck;
  #onSilent;
  #mayBeSilent;
  #timer = 0;
  #looks = 0;
  #sooner = 0; // a look between two, just when it has been silent for long enough
  #looking = false;
  #restart = null; // "asked" or "answered" while an ICE restart has not helped yet
  #received = 0;
  #heardAt = 0;
  #steady = 0;

  /**
   * @param {Peer} peer
   * @param {() => void} onStuck  called once, when only a new peer can help
   * @param {() => void} onSilent  nothing comes any more: the way to the server may be gone altogether
   * @param {() => boolean} mayBeSilent  media goes another way now
   */
  constructor(peer, onStuck, onSilent, mayBeSilent = () => false) {
    this.#peer = peer;
    this.#onStuck = onStuck;
    this.#onSilent = onSilent;
    this.#mayBeSilent = mayBeSilent;
    this.#after(FIRST_CONNECT_MS);
    this.#looks = setInterval(() => this.#look(), LOOK_MS);
    peer.addEventListener("state", ({ detail }) => this.#follow(detail));
    peer.addEventListener("lost", () => this.#stuck());
  }

  /** The signalling came back, perhaps from another network: see whether media needs help. */
  async check() {
    await this.#look();
    const { state } = this.#peer;
    const silent = state === "connected" && performance.now() - this.#heardAt > DOUBTFUL_MS;
    if (silent || ["disconnected", "failed"].includes(state)) this.#help();
  }

  close() {
    clearTimeout(this.#timer);
    clearInterval(this.#looks);
    clearTimeout(this.#sooner);
    this.#onStuck = this.#onSilent = () => {};
  }

  #follow(state) {
    if (state === "connected") this.#healthy();
    else if (state === "disconnected") this.#help();
    else if (state === "failed") this.#restart === "answered" ? this.#stuck() : this.#help();
  }

  async #look() {
    if (this.#looking) return;
    this.#looking = true;
    const { bytes, age } = await this.#peer.arrivals().catch(() => ({ bytes: this.#received, age: 0 }));
    this.#looking = false;
    clearTimeout(this.#sooner);
    if (bytes > this.#received) {
      this.#heardAt = performance.now() - Math.min(age, LOOK_MS);
      this.#steady++;
      if (this.#peer.state === "connected") this.#healthy();
    } else if (this.#steady < STEADY || this.#mayBeSilent()) {
      this.#steady = 0;
    } else {
      this.#notice(performance.now() - this.#heardAt);
    }
    this.#received = bytes;
  }

  #notice(silentFor) {
    if (silentFor >= SILENT_MS) {
      this.#steady = 0; // said once
      this.#help();
      this.#onSilent();
    } else if (silentFor > SILENT_MS - LOOK_MS) {
      this.#sooner = setTimeout(() => this.#look(), SILENT_MS - silentFor);
    }
  }

  /** The request waits for the signalling if that is away, too. */
  async #help() {
    if (this.#restart) return;
    this.#restart = "asked";
    clearTimeout(this.#timer);
    try {
      await this.#peer.restartIce();
    } catch {
      return this.#stuck();
    }
    if (!this.#restart) return;
    this.#restart = "answered";
    this.#after(RESTART_MS);
  }

  #healthy() {
    clearTimeout(this.#timer);
    this.#restart = null;
  }

  #stuck() {
    const onStuck = this.#onStuck;
    this.close();
    onStuck();
  }

  #after(delay) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#stuck(), delay);
  }
}
