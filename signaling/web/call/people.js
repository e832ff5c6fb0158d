// The list of who is here, with the same marks as their tiles.

import { h, icon } from "../ui/dom.js";
import { t } from "../ui/i18n.js";
import { hue, initials } from "../ui/names.js";

export class People {
  #count = h("p", { class: "panel-hint" });
  #list = h("ul", { class: "people" });

  constructor() {
    this.element = h("div", { class: "people-panel" }, this.#count, this.#list);
  }

  /** @param {object[]} cast  see cast.js */
  update(cast) {
    const people = cast.filter(({ screen }) => !screen);
    this.#count.textContent = t("people.count", { count: people.length });
    this.#list.replaceChildren(...people.map(row));
  }
}

function row({ name, caption, muted, speaking, stream, hand }) {
  const avatar = h("span", { class: "avatar little", "aria-hidden": "true" }, initials(name));
  avatar.style.setProperty("--hue", hue(name));
  const marks = [
    hand && h("span", { role: "img", class: "mark hand", "aria-label": t("tile.hand") }, icon("hand")),
    h("span", { role: "img", class: muted ? "mark off" : "mark", "aria-label": muted ? t("tile.muted") : t("device.microphone") }, icon(muted ? "mic-off" : "mic")),
    h("span", { class: stream ? "mark" : "mark off", "aria-hidden": "true" }, icon(stream ? "camera" : "camera-off")),
  ];
  return h("li", { class: speaking && !muted ? "person speaking" : "person" }, avatar, h("span", { class: "person-name" }, caption), marks);
}
