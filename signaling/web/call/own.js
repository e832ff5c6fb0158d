// One's own microphone, camera and screen in a call: turned on and off by button and key, shown by their buttons, and why not.

import { t } from "../ui/i18n.js";
import { explain } from "../ui/problem.js";
import { notify, warn } from "../ui/toast.js";

export class Own {
  #meeting;
  #local;
  #sender;
  #audioOnly;
  #buttons;
  #streams = new Map(); // track → MediaStream, so that a tile keeps its stream

  /** @param {{meeting: Meeting, local: LocalMedia, sender: Sender, audioOnly: AudioOnly}} media  @param {Buttons} buttons */
  constructor({ meeting, local, sender, audioOnly }, buttons) {
    this.#meeting = meeting;
    this.#local = local;
    this.#sender = sender;
    this.#audioOnly = audioOnly;
    this.#buttons = buttons;
  }

  /** As the cast wants it (cast.js). */
  get shown() {
    const { camera, microphone } = this.#local;
    return {
      cameraStream: camera.on ? this.#streamOf(camera.track) : null,
      screenStream: this.#streamOf(this.#sender.screenTrack),
      microphoneOn: microphone.on,
    };
  }

  /** There is a microphone, and it is off: then space lets one talk. */
  get muted() {
    const { microphone } = this.#local;
    return Boolean(microphone.track) && !microphone.on;
  }

  /** Whatever may not be turned on now says why. @param {"microphone" | "camera"} source */
  toggle(source) {
    const hint = this.#local[source].on ? null : this.#hint(source);
    return hint ? notify(hint, `${source === "camera" ? "camera" : "mic"}-off`) : this.#local.toggle(source);
  }

  pushToTalk(on) {
    if (on && this.#hint("microphone")) return;
    if (on) {
      this.#local.turnOn("microphone");
      notify(t("call.spaceTalking"), "mic");
    } else {
      this.#local.turnOff("microphone");
    }
  }

  async share() {
    try {
      await (this.#sender.sharing ? this.#sender.stopScreen() : this.#sender.shareScreen());
    } catch (error) {
      warn(error.code ? explain(error).title : t("media.screen.failed"));
    }
  }

  drawButtons() {
    const { microphone, camera } = this.#local;
    const { sharing } = this.#sender;
    this.#buttons.set("microphone", microphone.on, { off: !microphone.on, busy: microphone.busy, hint: this.#hint("microphone") });
    this.#buttons.set("camera", camera.on, { off: !camera.on, busy: camera.busy, hint: this.#hint("camera") });
    this.#buttons.set("share", sharing, { hint: sharing ? null : this.#hint("screen") });
  }

  /** Why a source cannot be turned on, or null. */
  #hint(source) {
    if (!this.#meeting.may(source)) return t(`forbidden.${source}`);
    return source === "camera" && this.#audioOnly.on ? t("call.audioOnly") : null;
  }

  #streamOf(track) {
    if (!track) return null;
    if (!this.#streams.has(track)) this.#streams.set(track, new MediaStream([track]));
    return this.#streams.get(track);
  }
}
