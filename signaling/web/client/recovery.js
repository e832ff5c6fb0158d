// Brings a media connection back: first by an ICE restart, then by giving the peer up so that a new one is built.
// Owns the waiting times; never touches m-lines.

const DISCONNECTED_MS = 4_000; // browsers report "disconnected" for short gaps that heal by themselves
const RESTART_MS = 10_000; // from an ICE restart to connected
const FIRST_CONNECT_MS = 15_000;

export class Recovery {
  #peer;
  #onStuck;
  #timer = 0;
  #restarting = false;

  /** @param {Peer} peer  @param {() => void} onStuck  called once, when only a new peer can help */
  constructor(peer, onStuck) {
    this.#peer = peer;
    this.#onStuck = onStuck;
    this.#after(FIRST_CONNECT_MS, () => this.#stuck());
    peer.addEventListener("state", ({ detail }) => this.#follow(detail));
    peer.addEventListener("lost", () => this.#stuck());
  }

  /** The network changed or the signalling came back: look at once whether media needs help. */
  check() {
    if (["disconnected", "failed"].includes(this.#peer.state)) this.#restart();
  }

  close() {
    clearTimeout(this.#timer);
    this.#onStuck = () => {};
  }

  #follow(state) {
    if (state === "connected") {
      clearTimeout(this.#timer);
      this.#restarting = false;
    } else if (state === "disconnected" && !this.#restarting) {
      this.#after(DISCONNECTED_MS, () => this.#restart());
    } else if (state === "failed") {
      if (this.#restarting) this.#stuck();
      else this.#restart();
    }
  }

  #restart() {
    if (this.#restarting) return;
    this.#restarting = true;
    this.#after(RESTART_MS, () => this.#stuck());
    this.#peer.restartIce().catch(() => this.#stuck());
  }

  #stuck() {
    const onStuck = this.#onStuck;
    this.close();
    onStuck();
  }

  #after(delay, then) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, delay);
  }
}
