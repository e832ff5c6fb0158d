// How good a connection is, in three steps, from what getStats says between two looks. Pure.

export const QUALITY = Object.freeze({ POOR: 1, FAIR: 2, GOOD: 3 });

/** Beyond the first number it is fair, beyond the second poor. Delay: half the round trip, ITU-T G.114 calls 150 ms fine and
 *  400 ms too much; loss and jitter: where Opus with FEC and a NACK of video begin to show it, and where they give up. */
const LIMITS = { lossPercent: [2, 8], jitterMs: [50, 120], rttMs: [300, 800], freezes: [0, 1] };

const worst = (measured) =>
  Object.entries(measured).reduce((level, [what, value]) => {
    const [fair, poor] = LIMITS[what];
    return Math.min(level, value > poor ? QUALITY.POOR : value > fair ? QUALITY.FAIR : QUALITY.GOOD);
  }, QUALITY.GOOD);

export class Quality {
  #before = new Map(); // track → {lost, packets, freezes}

  /** Map of participant id → 1 to 3 for whoever sends something. @param {object} stats  of Meeting.stats()  @param {string} self  own id */
  grade({ path, sent, received }, self) {
    const levels = new Map();
    if (path && sent.length) {
      const loss = Math.max(...sent.map(({ lossPercent }) => lossPercent));
      levels.set(self, worst({ lossPercent: loss, rttMs: path.rttMs }));
    }
    const present = new Map();
    for (const { track, participant, lost, packets, freezeCount: freezes, jitterMs } of received) {
      const before = this.#before.get(track);
      present.set(track, { lost, packets, freezes });
      if (!before || packets <= before.packets) continue; // new, or silent: nothing is known
      const gone = Math.max(0, lost - before.lost);
      const lossPercent = (100 * gone) / (gone + packets - before.packets);
      const level = worst({ lossPercent, jitterMs, freezes: Math.max(0, freezes - before.freezes) });
      levels.set(participant, Math.min(level, levels.get(participant) ?? QUALITY.GOOD));
    }
    this.#before = present;
    return levels;
  }
}
