// Carries one's own media into the meeting: microphone and camera as LocalMedia has them, the screen on request.
//
// Events: "problem" ({error}), "screen" ({on}).

import { captureScreen, reasonOf } from "./capture.js";

export class Sender extends EventTarget {
  #local;
  #meeting;
  #screen = [];
  #work = Promise.resolve();

  constructor(local, meeting) {
    super();
    this.#local = local;
    this.#meeting = meeting;
    this._follow = ({ detail }) => this.#sync(detail.source);
    local.addEventListener("change", this._follow);
    meeting.addEventListener("trackended", ({ detail }) => detail.source.startsWith("screen") && this.stopScreen());
    meeting.addEventListener("muted", ({ detail }) => this.#silence(detail.source));
    meeting.addEventListener("permissions", () => this.#obey());
    for (const source of ["microphone", "camera"]) this.#sync(source);
  }

  get sharing() {
    return this.#screen.length > 0;
  }

  /** The picture of the shared screen. */
  get screenTrack() {
    return this.#screen[0] ?? null;
  }

  /** False when the person changed their mind. Throws what the browser or the server says. */
  async shareScreen() {
    let tracks;
    try {
      tracks = await captureScreen();
    } catch (error) {
      if (reasonOf(error) === "denied") return false;
      throw error;
    }
    const { video, audio } = tracks;
    this.#screen = audio ? [video, audio] : [video];
    this.#tellScreen();
    try {
      const published = [this.#meeting.publish(video, "screen")];
      if (audio) published.push(this.#meeting.publish(audio, "screen_audio"));
      await Promise.all(published);
    } catch (error) {
      await this.stopScreen();
      throw error;
    }
    return true;
  }

  async stopScreen() {
    if (!this.sharing) return;
    for (const track of this.#screen.splice(0)) track.stop();
    this.#tellScreen();
    await this.#tried(() => Promise.all(["screen", "screen_audio"].map((source) => this.#meeting.unpublish(source))));
  }

  close() {
    this.#local.removeEventListener("change", this._follow);
    for (const track of this.#screen.splice(0)) track.stop();
  }

  /** A host turned it off: the device stops, too. */
  #silence(source) {
    if (source.startsWith("screen")) return this.stopScreen();
    if (this.#local[source]?.on) this.#local.turnOff(source);
    return undefined;
  }

  /** What is allowed has changed, perhaps. */
  #obey() {
    for (const source of ["microphone", "camera", "screen"]) {
      if (!this.#meeting.may(source)) this.#silence(source);
      else if (source !== "screen") this.#sync(source);
    }
  }

  /** One change after the other: pressing a button twice quickly must end in the state that it shows. */
  #sync(source) {
    this.#work = this.#work.then(() => this.#tried(() => this.#apply(source)));
  }

  async #apply(source) {
    const { track, on, busy } = this.#local[source];
    if (busy || this.#meeting.state === "closed" || !this.#meeting.may(source)) return;
    const sent = this.#meeting.published.get(source);
    if (!sent) {
      if (track) await this.#meeting.publish(track, source, { muted: !on });
      return;
    }
    if (sent.track !== track) await this.#meeting.replaceTrack(source, track);
    if (sent.muted === on) this.#meeting.setMuted(source, !on);
  }

  async #tried(work) {
    try {
      await work();
    } catch (error) {
      this.dispatchEvent(new CustomEvent("problem", { detail: { error } }));
    }
  }

  #tellScreen() {
    this.dispatchEvent(new CustomEvent("screen", { detail: { on: this.sharing } }));
  }
}
