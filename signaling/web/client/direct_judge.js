// Judges a direct path by what getStats says: is it ready, does it still do, is the server's leg back. Pure: reports and times in,
// verdicts out. Thresholds are those of the protocol.

export const READY_PACKETS = 10;
export const SILENCE_MS = 400;
const DEAD_MS = 1_000; // where no audio is to come: nothing at all, not even reports (feedback on what we send comes ten times a second)
const SUSPECT_MS = 200; // without audio: from now on it matters whether the server's leg has it
const FLOWING_MS = 200; // a way whose audio grew within this is alive: ten packets
const LOSS = 0.15;
const LOSS_MS = 3_000;
const LOSS_PACKETS = 50; // fewer say nothing

/** What matters of a report. @param {(entry) => boolean} [ours]  which inbound streams; by default all */
export function read(report, ours = () => true) {
  const reading = { packets: 0, lost: 0, audio: 0, frames: 0, pair: pairOf(report) };
  for (const entry of report.values()) {
    if (entry.type !== "inbound-rtp" || !ours(entry)) continue;
    reading.packets += entry.packetsReceived ?? 0;
    reading.lost += Math.max(0, entry.packetsLost ?? 0);
    if (entry.kind === "audio") reading.audio += entry.packetsReceived ?? 0;
    else reading.frames += entry.framesDecoded ?? 0;
  }
  return reading;
}

function pairOf(report) {
  const all = [...report.values()];
  const transport = all.find(({ type }) => type === "transport");
  const pair = report.get(transport?.selectedCandidatePairId) ?? all.find(({ type, selected }) => type === "candidate-pair" && selected);
  if (!pair) return null;
  const types = [pair.localCandidateId, pair.remoteCandidateId].map((id) => report.get(id)?.candidateType);
  const rtt = pair.currentRoundTripTime;
  const rttMs = rtt === undefined ? null : Math.min(60_000, rtt * 1000);
  return { relayed: types.includes("relay"), rttMs, received: pair.bytesReceived ?? null };
}

/** Since when a counter has not grown. */
export class Growth {
  #count = null;
  #row = 0; // looks in a row at which it had grown
  at = null;

  /** Nobody looks any more: the next value is a beginning again. */
  pause() {
    this.#count = null;
    this.#row = 0;
  }

  /** @returns {boolean} whether it grew; the first value is a beginning, not growth */
  take(count, now) {
    const grew = this.#count !== null && count > this.#count;
    if (grew) this.at = now;
    this.#row = grew ? this.#row + 1 : 0;
    this.#count = count;
    return grew;
  }

  flows(now) {
    return this.at !== null && now - this.at <= FLOWING_MS;
  }

  /** It does not merely begin: both ways of a microphone that is turned on begin at once, but not in the same look. */
  goesOn(now) {
    return this.flows(now) && this.#row > 1;
  }
}

export class Judge {
  audio = new Growth(); // on the direct path
  frames = new Growth();
  serverAudio = new Growth();
  serverFrames = new Growth();
  #bytes = new Growth(); // of any kind, on the direct path
  #window = []; // readings of the last seconds, for the loss

  /** @param {{audio: boolean, video: boolean}} expected  what the other one publishes now */
  ready(reading, expected) {
    if (!reading.pair || reading.pair.relayed) return false;
    return (!expected.audio || reading.audio >= READY_PACKETS) && (!expected.video || reading.frames > 0);
  }

  /** A reading of the direct path. */
  direct(reading, now) {
    this.audio.take(reading.audio, now);
    this.frames.take(reading.frames, now);
    if (reading.pair?.received != null) this.#bytes.take(reading.pair.received, now);
    this.#window.push({ at: now, ...reading });
    while (now - this.#window[0].at > LOSS_MS) this.#window.shift();
  }

  /** A reading of the server's leg, or null while that is not looked at. */
  server(reading, now) {
    if (!reading) {
      this.serverAudio.pause();
      this.serverFrames.pause();
      return;
    }
    this.serverAudio.take(reading.audio, now);
    this.serverFrames.take(reading.frames, now);
  }

  /** Audio is late: the server's leg has to be looked at, too. */
  suspicious(now) {
    return this.audio.at !== null && now - this.audio.at >= SUSPECT_MS;
  }

  /** Null, or why this path will not do. @param {{audio: boolean, video: boolean}} expected  what the other one publishes now */
  verdict(now, expected) {
    if (this.#window.at(-1)?.pair?.relayed) return "relay";
    // Without audio the server's leg has nothing to compare with: a call of pictures alone is not left to ICE's patience.
    if (!expected.audio && expected.video && this.#bytes.at !== null && now - this.#bytes.at >= DEAD_MS) return "silence";
    if (this.audio.at !== null && now - this.audio.at >= SILENCE_MS && this.serverAudio.goesOn(now)) return "silence";
    return this.#lossy(now) ? "loss" : null;
  }

  #lossy(now) {
    const [first, last] = [this.#window[0], this.#window.at(-1)];
    if (!first || now - first.at < LOSS_MS * 0.9) return false;
    const lost = last.lost - first.lost;
    const expected = lost + last.packets - first.packets;
    return expected >= LOSS_PACKETS && lost / expected > LOSS;
  }
}
