// Plays what others say: one <audio> for each audio slot, or for each of its voices where one comes on two ways at once (see
// client/direct_mix.js). Owns these elements; a voice's track never changes, so an element is made once. Tells when the browser
// refuses to start sound without a click.
//
// Events: "blocked" ({blocked}).

import { settings } from "../ui/settings.js";

export class Playback extends EventTarget {
  #elements = new Map(); // stream → <audio>
  #host;
  #blocked = false;

  /** @param {HTMLElement} host  where the (invisible) elements live */
  constructor(host) {
    super();
    this.#host = host;
  }

  /** @param {{kind: string, stream: MediaStream, voices?: {stream: MediaStream, drive: (element) => void}[]}[]} slots */
  update(slots) {
    const voices = slots.filter(({ kind }) => kind === "audio").flatMap((slot) => slot.voices ?? [slot]);
    const streams = new Map(voices.map((voice) => [voice.stream, voice]));
    for (const [stream, element] of this.#elements) {
      if (streams.has(stream)) continue;
      this.#elements.delete(stream);
      element.srcObject = null;
      element.remove();
    }
    for (const [stream, voice] of streams) if (!this.#elements.has(stream)) this.#add(stream, voice);
  }

  /** Starts everything; call it from a click after "blocked". */
  async resume() {
    await Promise.all([...this.#elements.values()].map((element) => this.#play(element)));
  }

  useSpeaker(id = settings.speakerId) {
    for (const element of this.#elements.values()) this.#route(element, id);
  }

  close() {
    this.update([]);
  }

  #add(stream, voice) {
    const element = document.createElement("audio");
    element.autoplay = true;
    voice.drive?.(element);
    element.srcObject = stream;
    this.#elements.set(stream, element);
    this.#host.append(element);
    if (settings.speakerId) this.#route(element, settings.speakerId);
    this.#play(element);
  }

  async #play(element) {
    try {
      await element.play();
      this.#setBlocked(false);
    } catch (error) {
      if (error.name === "NotAllowedError") this.#setBlocked(true); // others: it was removed meanwhile
    }
  }

  async #route(element, id) {
    try {
      await element.setSinkId?.(id);
    } catch {
      await element.setSinkId("").catch(() => {}); // the speaker is gone: the default one plays
    }
  }

  #setBlocked(blocked) {
    if (blocked === this.#blocked) return;
    this.#blocked = blocked;
    this.dispatchEvent(new CustomEvent("blocked", { detail: { blocked } }));
  }
}
