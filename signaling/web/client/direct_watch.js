// Looks at both ways every so often while there is a direct path, and tells of what the judge finds. Owns the timer and nothing else.
//
// Events: "ready" ({direct_rtt_ms, server_rtt_ms}), "lost" ({reason}), "look" (after every look; the judge has newer readings).

import { Judge, read } from "./direct_judge.js";

const BUSY_MS = 60; // while a way comes or goes
const CALM_MS = 150;
const SUSPICIOUS_MS = 80;

export class DirectWatch extends EventTarget {
  judge = new Judge();
  #path;
  #leg; // () → {connection, mids: Set of the peer's slots} | null
  #expected; // () → {audio, video}
  #mode = "trying";
  #timer = 0;
  #closed = false;

  constructor(path, leg, expected) {
    super();
    this.#path = path;
    this.#leg = leg;
    this.#expected = expected;
    this.#later(BUSY_MS);
  }

  /** @param {"trying" | "direct" | "returning"} mode  what to look out for */
  set mode(mode) {
    if (mode === this.#mode) return;
    this.#mode = mode;
    clearTimeout(this.#timer);
    this.#look();
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #look() {
    const { judge } = this;
    const reading = await this.#read(this.#path.connection);
    if (reading) judge.direct(reading, performance.now());
    const leg = this.#mode === "direct" && !judge.suspicious(performance.now()) ? null : this.#leg();
    const other = leg && (await this.#read(leg.connection, ({ mid }) => leg.mids.has(mid)));
    const now = performance.now();
    if (this.#closed) return;
    judge.server(other, now);
    if (this.#mode === "trying" && reading?.pair?.relayed) this.#emit("lost", { reason: "relay" });
    else if (this.#mode === "trying" && reading && judge.ready(reading, this.#expected())) {
      this.#emit("ready", { direct_rtt_ms: reading.pair.rttMs, server_rtt_ms: other?.pair?.rttMs ?? null });
    } else if (this.#mode === "direct") {
      const reason = judge.verdict(now, this.#expected());
      if (reason) this.#emit("lost", { reason });
    }
    if (this.#closed) return;
    this.#emit("look");
    if (!this.#closed) this.#later(this.#mode !== "direct" ? BUSY_MS : judge.suspicious(now) ? SUSPICIOUS_MS : CALM_MS);
  }

  /** Null where there is nothing to read any more. */
  async #read(connection, ours) {
    if (connection.connectionState === "closed") return null;
    return read(await connection.getStats().catch(() => new Map()), ours);
  }

  #later(delay) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), delay);
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
