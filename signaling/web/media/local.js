// One's own microphone and camera: on or off, which device, what went wrong. The lobby shows it, the meeting sends it.
// Owns these tracks and nothing else does.
//
// Events: "change" ({source}), "problem" ({source, reason}), "switched" ({source, label}: to another device, by itself).

import { remember } from "../ui/settings.js";
import { adjust, blur, canBlur, capture, captureBoth, reasonOf } from "./capture.js";
import { Plugs } from "./plugs.js";

export class LocalMedia extends EventTarget {
  #stopped = false;
  #plugs = new Plugs();
  microphone = { track: null, on: false, busy: false, problem: null };
  camera = { track: null, on: false, busy: false, problem: null };

  constructor() {
    super();
    this._follow = () => this.#plugged();
    navigator.mediaDevices?.addEventListener("devicechange", this._follow);
  }

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
    this.#plugs.forget(source);
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

  /** Of what is behind the person, now and from now on, with every camera that can. */
  async blur(on) {
    remember({ blur: on });
    const { track } = this.camera;
    if (canBlur(track)) await blur(track, on);
  }

  stop() {
    this.#stopped = true;
    navigator.mediaDevices?.removeEventListener("devicechange", this._follow);
    for (const source of ["microphone", "camera"]) {
      this.#release(source);
      this[source].on = false;
    }
  }

  #take(source, result, on = true) {
    const device = this[source];
    device.busy = false;
    if (this.#stopped) return result.stop?.();
    if (result instanceof MediaStreamTrack) {
      this.#release(source);
      Object.assign(device, { track: result, on, problem: null });
      result.enabled = on;
      result.addEventListener("ended", () => this.#lost(source, result));
    } else {
      Object.assign(device, { on: false, problem: reasonOf(result) });
      this.#emit("problem", { source, reason: device.problem });
    }
    this.#changed(source);
  }

  /** Unplugged: the next one is taken, as it was, on or off; without one the meeting goes on without. */
  async #lost(source, track) {
    const device = this[source];
    if (device.track !== track) return;
    const { on } = device;
    Object.assign(device, { track: null, on: false, busy: true });
    this.#changed(source);
    const next = await this.#plugs.next(source, track, on);
    if (next instanceof MediaStreamTrack) return this.#switch(source, next, on);
    Object.assign(device, { busy: false, problem: reasonOf(next) === "denied" ? "denied" : "lost" });
    this.#emit("problem", { source, reason: device.problem });
    this.#changed(source);
  }

  /** Something was plugged in or out: what was lost is taken again. */
  async #plugged() {
    for (const source of ["microphone", "camera"]) {
      const device = this[source];
      const { track } = device;
      if (device.busy || (!track && device.problem !== "lost")) continue;
      const found = await this.#plugs.returned(source, track);
      if (!found) continue;
      if (device.busy || device.track !== track) found.track.stop(); // the person was quicker
      else this.#switch(source, found.track, track ? device.on : found.on);
    }
  }

  #switch(source, track, on) {
    this.#take(source, track, on);
    if (!this.#stopped) this.#emit("switched", { source, label: track.label });
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
