// Sound without pictures, for a slow or a costly connection: nothing is shown, nothing is sent, nothing is downloaded.

export class AudioOnly {
  #meeting;
  #local;
  #camera = false; // whether it was on before

  /** @param {{camera: boolean} | null} [before]  what `state` was before the page was loaded again */
  constructor(meeting, local, before = null) {
    this.#meeting = meeting;
    this.#local = local;
    if (!before) return;
    this.#camera = before.camera;
    meeting.receiveVideo(false);
  }

  get on() {
    return !this.#meeting.receivesVideo;
  }

  /** To be kept over a reload; null while pictures are shown. */
  get state() {
    return this.on ? { camera: this.#camera } : null;
  }

  toggle() {
    const wanted = !this.on;
    if (wanted) {
      this.#camera = this.#local.camera.on;
      if (this.#camera) this.#local.turnOff("camera");
    }
    this.#meeting.receiveVideo(!wanted);
    if (!wanted && this.#camera) this.#local.turnOn("camera");
  }
}
