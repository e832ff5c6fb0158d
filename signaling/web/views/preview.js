// The mirror of the lobby: one's own picture, the level of the microphone, a switch for each, and what went wrong.

import { LevelMeter } from "../media/level.js";
import { h, icon, iconButton, relabel, show } from "../ui/dom.js";
import { has, t } from "../ui/i18n.js";
import { settings } from "../ui/settings.js";

export class Preview {
  #local;
  #video = h("video", { autoplay: true, muted: true, playsInline: true, "aria-label": t("lobby.preview") });
  #text = h("p", { class: "preview-text" });
  #bar = h("span", { class: "level-bar" });
  #problems = h("ul", { class: "preview-problems" });
  #buttons;
  #meter = null;
  #metered = null;

  constructor(local) {
    this.#local = local;
    this.#buttons = {
      microphone: iconButton("mic", "", () => local.toggle("microphone"), { class: "round glass" }),
      camera: iconButton("camera", "", () => local.toggle("camera"), { class: "round glass" }),
    };
    const level = h("span", { class: "level", role: "img", "aria-label": t("lobby.level") }, this.#bar);
    this.element = h(
      "div",
      { class: "preview-box" },
      h(
        "div",
        { class: "preview" },
        this.#video,
        this.#text,
        h("div", { class: "preview-controls" }, this.#buttons.microphone, this.#buttons.camera),
        level,
      ),
      h("div", { role: "status" }, this.#problems),
    );
    this._draw = () => this.draw();
    local.addEventListener("change", this._draw);
    this.draw();
  }

  draw() {
    const { microphone, camera } = this.#local;
    this.#switch("microphone", "mic", ["control.mute", "control.unmute"]);
    this.#switch("camera", "camera", ["control.cameraOff", "control.cameraOn"]);
    const stream = camera.on ? camera.track : null;
    if ((this.#video.srcObject?.getVideoTracks()[0] ?? null) !== stream) {
      this.#video.srcObject = stream ? new MediaStream([stream]) : null;
    }
    this.#video.classList.toggle("mirrored", settings.mirror);
    show(this.#video, Boolean(stream));
    this.#text.textContent = stream ? "" : t(camera.busy ? "lobby.starting" : "lobby.cameraOff");
    this.#listProblems();
    this.#measure(microphone.on ? microphone.track : null);
  }

  close() {
    this.#local.removeEventListener("change", this._draw);
    this.#video.srcObject = null;
    this.#measure(null);
  }

  #switch(source, iconName, [off, on]) {
    const device = this.#local[source];
    const button = this.#buttons[source];
    relabel(button, device.on ? iconName : `${iconName}-off`, t(device.on ? off : on));
    button.classList.toggle("off", !device.on);
    button.disabled = device.busy;
  }

  #listProblems() {
    const { microphone, camera } = this.#local;
    const same = microphone.problem && microphone.problem === camera.problem && has(`media.both.${camera.problem}`);
    const items = (same ? ["both"] : ["microphone", "camera"].filter((source) => this.#local[source].problem)).map((source) =>
      h("li", {}, icon("warning"), t(`media.${source}.${(this.#local[source] ?? camera).problem}`)),
    );
    if (items.length) items.push(h("li", { class: "calm" }, t("lobby.listenOnly")));
    this.#problems.replaceChildren(...items);
  }

  #measure(track) {
    if (track === this.#metered) return;
    this.#meter?.close();
    this.#metered = track;
    this.#bar.style.transform = "scaleX(0)";
    const draw = (level) => (this.#bar.style.transform = `scaleX(${level.toFixed(2)})`);
    this.#meter = track ? new LevelMeter(track, draw) : null;
  }
}
