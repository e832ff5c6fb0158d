// How the call is: what is wrong with signalling, media or sound, and that pictures are off, said by the banner above the stage.

import { t } from "../ui/i18n.js";
import { notify } from "../ui/toast.js";

const MEDIA = { new: "call.mediaConnecting", connecting: "call.mediaConnecting", disconnected: "call.mediaLost", failed: "call.mediaLost" };

export class Condition {
  #banner;
  #actions;
  #connected = false;

  /** @param {Banner} banner  @param {{resumeSound: () => void, showPictures: () => void}} actions  of its buttons */
  constructor(banner, actions) {
    this.#banner = banner;
    this.#actions = actions;
  }

  /** @param {string} state  of the meeting */
  signalling(state) {
    this.#banner.set("signalling", state === "reconnecting" ? t("call.reconnecting") : null);
    if (state === "joined") notify(t("call.back"), "check");
  }

  /** @param {RTCPeerConnectionState} state */
  media(state) {
    if (state === "connected") this.#connected = true;
    const text = state === "connecting" && this.#connected ? "call.mediaLost" : MEDIA[state];
    this.#banner.set("media", text ? t(text) : null);
  }

  /** @param {boolean} blocked  by the browser, until a click */
  sound(blocked) {
    const button = { text: t("call.soundOn"), action: this.#actions.resumeSound };
    this.#banner.set("sound", blocked ? t("call.soundBlocked") : null, button);
  }

  /** @param {boolean} received  whether pictures are asked for */
  pictures(received) {
    const button = { text: t("control.video"), action: this.#actions.showPictures };
    this.#banner.set("audio", received ? null : t("call.audioOnly"), button);
  }
}
