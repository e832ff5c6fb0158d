// One voice that comes on two ways, of which one is heard: both play all the time, and a change between them is a short fade.
// Whoever plays a voice lets it drive the element's volume.

export const FADE_MS = 30; // within the 20 to 40 ms that hide a change of delay and are no echo yet
const STEP_MS = 5;

/** How loud the old and the new way are, after this share of a fade: as much power in all throughout. Pure. */
export function gains(share) {
  const angle = (Math.min(1, Math.max(0, share)) * Math.PI) / 2;
  return { before: Math.cos(angle), after: Math.sin(angle) };
}

/** A stream and the elements that play it. */
export class Voice {
  #elements = new Set();
  #gain;

  constructor(stream, gain) {
    this.stream = stream;
    this.#gain = gain;
  }

  get gain() {
    return this.#gain;
  }

  /** This element plays the voice from now on. */
  drive(element) {
    this.#elements.add(element);
    this.#apply(element);
  }

  set gain(gain) {
    this.#gain = gain;
    for (const element of this.#elements) this.#apply(element);
  }

  /** Some phones keep the volume to themselves, but all know silence. */
  #apply(element) {
    element.volume = this.#gain;
    element.muted = this.#gain === 0;
  }
}

export class Mix {
  #timer = 0;

  /** @param {Voice} heard  @param {Voice} other */
  constructor(heard, other) {
    this.heard = heard;
    this.other = other;
  }

  /** Fades over to this one of the two. */
  hear(voice) {
    if (voice === this.heard) return;
    this.other = this.heard;
    this.heard = voice;
    clearInterval(this.#timer);
    const begun = performance.now();
    const tick = () => {
      const { before, after } = gains((performance.now() - begun) / FADE_MS);
      this.other.gain = after === 1 ? 0 : before;
      this.heard.gain = after;
      if (after === 1) clearInterval(this.#timer);
    };
    this.#timer = setInterval(tick, STEP_MS);
    tick();
  }

  /** At once, and for good. */
  settle(voice) {
    clearInterval(this.#timer);
    for (const each of [this.heard, this.other]) each.gain = each === voice ? 1 : 0;
  }
}
