// What is seen and heard of the other one, over which of the two ways. Whoever shows slots need not know: a slot's stream stays
// the same object, only the track in it changes; its voices are the two ways of one voice (see direct_mix.js).

import { Mix, Voice } from "./direct_mix.js";

export class DirectOutput {
  #voices = new WeakMap(); // stream of an audio slot → Voice
  #path = null;
  #peer = null;
  #voice = null; // of the direct path
  #mix = null;
  #sound = "server"; // the way that is heard
  #picture = "server"; // the way that is seen

  get sound() {
    return this.#sound;
  }

  get picture() {
    return this.#picture;
  }

  /** @param {DirectPath} path  @param {string} peer  participant id */
  attach(path, peer) {
    this.#path = path;
    this.#peer = peer;
  }

  detach() {
    this.#mix?.settle(this.#mix.heard === this.#voice ? this.#mix.other : this.#mix.heard);
    this.#path = this.#peer = this.#voice = this.#mix = null;
    this.#sound = this.#picture = "server";
  }

  /** @param {"direct" | "server"} way */
  hear(way) {
    this.#sound = way;
  }

  /** @param {"direct" | "server"} way */
  see(way) {
    this.#picture = way;
  }

  /** The slots as they are to be shown. @param {(slot) => string | null} sourceOf  what the slot's track shows, if it is the peer's */
  apply(slots, sourceOf) {
    return slots.map((slot) => {
      const source = this.#path && slot.participant === this.#peer ? sourceOf(slot) : null;
      if (slot.kind === "audio") return source === "microphone" ? this.#twoVoices(slot) : this.#oneVoice(slot);
      const direct = source === "camera" && this.#picture === "direct" ? this.#path.track("video") : null;
      put(slot.stream, direct ?? slot.receiver.track);
      return { ...slot, way: direct ? "direct" : "server" };
    });
  }

  #oneVoice(slot) {
    const voice = this.#voiceOf(slot.stream);
    if (voice !== this.#mix?.heard && voice !== this.#mix?.other) voice.gain = 1;
    return { ...slot, way: "server", voices: [voice] };
  }

  #twoVoices(slot) {
    const track = this.#path.track("audio");
    if (!track) return this.#oneVoice(slot);
    this.#voice ??= new Voice(new MediaStream([track]), 0);
    const server = this.#voiceOf(slot.stream);
    if (this.#mix?.heard !== server && this.#mix?.other !== server) {
      this.#mix?.settle(this.#voice);
      this.#mix = this.#sound === "direct" ? new Mix(this.#voice, server) : new Mix(server, this.#voice);
      this.#mix.settle(this.#mix.heard);
    }
    this.#mix.hear(this.#sound === "direct" ? this.#voice : server);
    return { ...slot, way: this.#sound, voices: [server, this.#voice] };
  }

  #voiceOf(stream) {
    if (!this.#voices.has(stream)) this.#voices.set(stream, new Voice(stream, 1));
    return this.#voices.get(stream);
  }
}

/** A stream with just this track: whoever plays it keeps the last picture until the next one comes. */
function put(stream, track) {
  if (stream.getTracks().includes(track)) return;
  for (const old of stream.getTracks()) stream.removeTrack(old);
  stream.addTrack(track);
}
