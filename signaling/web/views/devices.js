// Choosing microphone, camera and speaker, and how the picture is taken. Used in the lobby and in the call's settings.

import { canBlur, listDevices } from "../media/capture.js";
import { chime } from "../media/chime.js";
import { h, icon, show } from "../ui/dom.js";
import { t } from "../ui/i18n.js";
import { remember, settings } from "../ui/settings.js";

const CHOICES = { microphone: "microphoneId", camera: "cameraId", speaker: "speakerId" };

export class DevicePicker {
  #local;
  #selects = {};
  #rows = {};
  #blur = null;

  /** @param {LocalMedia} local  @param {{more?: boolean, onSpeaker?: () => void, onChange?: () => void}} [options] */
  constructor(local, { more = false, onSpeaker = () => {}, onChange = () => {} } = {}) {
    this.#local = local;
    const test = h(
      "button",
      { type: "button", class: "round plain", title: t("device.testSpeaker"), "aria-label": t("device.testSpeaker") },
      icon("play"),
    );
    test.addEventListener("click", () => chime(settings.speakerId));
    this.element = h(
      "div",
      { class: "devices" },
      this.#row("microphone", (id) => local.choose("microphone", { microphoneId: id })),
      this.#row("camera", (id) => local.choose("camera", { cameraId: id })),
      this.#row("speaker", (id) => (remember({ speakerId: id }), onSpeaker()), test),
      more && this.#switches(onChange),
    );
    this._refresh = () => this.refresh();
    navigator.mediaDevices.addEventListener("devicechange", this._refresh);
    local.addEventListener("change", this._refresh);
    this.refresh();
  }

  /** Lists anew: labels appear once the person has allowed something. */
  async refresh() {
    const devices = await listDevices();
    for (const [kind, setting] of Object.entries(CHOICES)) {
      const select = this.#selects[kind];
      const options = devices[kind].map(({ id, label }, index) => {
        const text = label || t("device.numbered", { kind: t(`device.${kind}`), number: index + 1 });
        return h("option", { value: id, selected: id === this.#current(kind, setting) }, text);
      });
      select.disabled = options.length === 0;
      select.replaceChildren(...(options.length ? options : [h("option", {}, t("device.none"))]));
    }
    if (this.#blur) this.#showBlur(this.#local.camera.track);
    show(this.#rows.speaker, devices.speaker.length > 0 && "setSinkId" in HTMLMediaElement.prototype);
  }

  close() {
    navigator.mediaDevices.removeEventListener("devicechange", this._refresh);
    this.#local.removeEventListener("change", this._refresh);
  }

  /** As it is: systems have switches of their own for this. */
  #showBlur(track) {
    show(this.#blur, canBlur(track));
    this.#blur.querySelector("input").checked = Boolean(track?.getSettings().backgroundBlur);
  }

  #current(kind, setting) {
    return this.#local[kind]?.track?.getSettings().deviceId ?? settings[setting];
  }

  #row(kind, choose, extra = null) {
    const select = h("select", { id: `device-${kind}`, onchange: () => choose(select.value) });
    this.#selects[kind] = select;
    const label = h("label", { class: "hidden-text", htmlFor: select.id }, t(`device.${kind}`));
    const iconName = { microphone: "mic", camera: "camera", speaker: "sound" }[kind];
    this.#rows[kind] = h("div", { class: "device" }, icon(iconName), label, select, extra);
    return this.#rows[kind];
  }

  #switches(onChange) {
    const quality = h("select", { id: "quality", onchange: () => this.#local.choose("camera", { quality: quality.value }) });
    for (const value of ["high", "standard"]) {
      quality.append(h("option", { value, selected: settings.quality === value }, t(`device.${value}`)));
    }
    const microphone = (changes) => this.#local.adjust("microphone", changes);
    this.#blur = toggle("device.blur", "blur", ({ blur }) => this.#local.blur(blur));
    return h(
      "div",
      { class: "switches" },
      h("label", { htmlFor: "quality" }, t("device.quality")),
      quality,
      toggle("device.noise", "noiseSuppression", microphone),
      toggle("device.echo", "echoCancellation", microphone),
      this.#blur,
      toggle("device.mirror", "mirror", (changes) => (remember(changes), onChange())),
    );
  }
}

function toggle(key, setting, apply) {
  const box = h("input", { type: "checkbox", role: "switch", checked: settings[setting], onchange: () => apply({ [setting]: box.checked }) });
  return h("label", { class: "switch" }, h("span", {}, t(key)), box);
}
