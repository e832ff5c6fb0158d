// Sound without pictures, for a slow or a costly connection: nothing is shown, nothing is sent, nothing is downloaded.

export class AudioOnly {
  #meeting;
  #local;
  #camera = false; // whether it was on before

  constructor(meeting, local) {
    this.#meeting = meeting;
    this.#local = local;
  }

  get on() {
    return !this.#meeting.receivesVideo;
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
