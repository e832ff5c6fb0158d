// Looks at the connection every other second, for everything that shows how it is doing: the bars on the tiles, the details.
//
// Events: "beat" ({stats, levels}): a summary of getStats (client/stats.js), and participant id → 1 to 3 (client/quality.js).

import { Quality } from "../client/quality.js";

const INTERVAL_MS = 2_000;

export class Pulse extends EventTarget {
  stats = null;
  levels = new Map();
  #meeting;
  #quality = new Quality();
  #timer;
  #looking = false;

  constructor(meeting) {
    super();
    this.#meeting = meeting;
    this.#timer = setInterval(() => this.#look(), INTERVAL_MS);
  }

  close() {
    clearInterval(this.#timer);
  }

  async #look() {
    if (this.#looking || document.hidden) return;
    this.#looking = true;
    try {
      this.stats = await this.#meeting.stats();
    } finally {
      this.#looking = false;
    }
    const connected = this.#meeting.connectionState === "connected";
    this.levels = connected ? this.#quality.grade(this.stats, this.#meeting.self.id) : new Map();
    this.dispatchEvent(new CustomEvent("beat", { detail: { stats: this.stats, levels: this.levels } }));
  }
}
