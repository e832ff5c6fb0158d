// Which device to take when one is unplugged, and when one is plugged in again. It asks the browser; it holds no track.

import { capture, listDevices, reasonOf } from "./capture.js";

export class Plugs {
  #missing = new Map(); // source → {id, on}: what was unplugged, and whether it was in use

  /** The track of another device than the one that ended, or the error: none is left, or none may be used. */
  async next(source, ended, on) {
    const { deviceId: id } = ended.getSettings();
    const first = this.#missing.get(source); // of several that were lost, the one that the person had chosen
    this.#missing.set(source, { id: first?.id ?? id, on });
    const { [source]: devices } = await listDevices();
    return this.#firstOf(source, devices.filter((device) => device.id !== id));
  }

  /** After a change of devices. What was lost comes back, or anything at all where nothing was left: {track, on}, or null. */
  async returned(source, track) {
    const missing = this.#missing.get(source);
    if (!missing) return null;
    const { [source]: devices } = await listDevices();
    const wanted = track ? devices.filter(({ id }) => id === missing.id) : devices;
    if (!wanted.length) return null;
    const found = await this.#firstOf(source, wanted);
    if (!(found instanceof MediaStreamTrack)) return null;
    if (found.getSettings().deviceId === missing.id) this.forget(source);
    return { track: found, on: missing.on };
  }

  /** The person has decided otherwise. */
  forget(source) {
    this.#missing.delete(source);
  }

  async #firstOf(source, devices) {
    let error = new DOMException("", "NotFoundError");
    for (const { id } of devices) {
      try {
        return await capture(source, id);
      } catch (refused) {
        error = refused;
        if (reasonOf(error) === "denied") break;
      }
    }
    return error;
  }
}
