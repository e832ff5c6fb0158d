// One's own microphone and camera: on or off, which device, what went wrong. The lobby shows it, the meeting sends it.
// Owns these tracks and nothing else does.
//
// Events: "change" ({source}), "problem" ({source, reason}).

import { remember } from "../ui/settings.js";
import { adjust, capture, captureBoth, reasonOf } from "./capture.js";

export class LocalMedia extends EventTarget {
  #stopped = false;
  microphone = { track: null, on: false, busy: false, problem: null };
  camera = { track: null, on: false, busy: false, problem: null };

  /** Starts what is wanted; what cannot be had stays off with its problem noted. */
  async start({ microphone = true, camera = true } = {}) {
    if (microphone && camera) {
      this.microphone.busy = this.camera.busy = true;
      this.#changed("microphone", "camera");
      const tracks = await captureBoth();
      this.#take("microphone", tracks.microphone);
      this.#take("camera", tracks.camera);
      return;
    }
    await Promise.all([microphone && this.turnOn("microphone"), camera && this.turnOn("camera")]);
  }

  async turnOn(source) {
    const device = this[source];
    if (device.busy) return;
    if (source === "microphone" && device.track) {
      device.on = true;
      device.track.enabled = true;
      return this.#changed(source);
    }
    device.busy = true;
    this.#changed(source);
    this.#take(source, await capture(source).catch((error) => error));
  }

  /** A camera is released (its light goes out); a microphone is kept ready. */
  turnOff(source) {
    const device = this[source];
    device.on = false;
    if (source === "microphone") {
      if (device.track) device.track.enabled = false;
    } else {
      this.#release(source);
    }
    this.#changed(source);
  }

  toggle(source) {
    return this[source].on ? this.turnOff(source) : this.turnOn(source);
  }

  /** Another device or other switches; takes effect at once if the source is in use. */
  async choose(source, changes) {
    remember(changes);
    const { track, on } = this[source];
    if (!track && !on) return;
    this.#release(source);
    await this.turnOn(source);
    if (!on) this.turnOff(source);
  }

  /** Switches of the processing: on the running track where the browser can, else by starting the device anew. */
  async adjust(source, changes) {
    const { track } = this[source];
    if (!track || !(await adjust(track, changes))) await this.choose(source, changes);
    remember(changes);
  }

  stop() {
    this.#stopped = true;
    for (const source of ["microphone", "camera"]) {
      this.#release(source);
      this[source].on = false;
    }
  }

  #take(source, result) {
    const device = this[source];
    device.busy = false;
    if (this.#stopped) return result.stop?.();
    if (result instanceof MediaStreamTrack) {
      this.#release(source);
      Object.assign(device, { track: result, on: true, problem: null });
      result.addEventListener("ended", () => this.#lost(source, result));
    } else {
      Object.assign(device, { on: false, problem: reasonOf(result) });
      this.#emit("problem", { source, reason: device.problem });
    }
    this.#changed(source);
  }

  #lost(source, track) {
    const device = this[source];
    if (device.track !== track) return;
    Object.assign(device, { track: null, on: false, problem: "lost" });
    this.#emit("problem", { source, reason: "lost" });
    this.#changed(source);
  }

  #release(source) {
    const { track } = this[source];
    this[source].track = null;
    track?.stop();
  }

  #changed(...sources) {
    for (const source of sources) this.#emit("change", { source });
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
