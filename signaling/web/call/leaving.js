// How a host leaves: alone, or everybody with them. Whoever is no host just leaves.

import { h, icon } from "../ui/dom.js";
import { t } from "../ui/i18n.js";
import { above } from "./above.js";

export class Leaving {
  #meeting;

  /** @param {HTMLElement} button  that it opens above */
  constructor(meeting, button) {
    this.#meeting = meeting;
    const item = (iconName, key, action, className = "") =>
      h("button", { type: "button", class: `menu-item ${className}`, onclick: action }, icon(iconName), h("span", {}, t(key)));
    this.element = h(
      "div",
      { class: "menu", id: "leave-menu", popover: "auto", role: "group", "aria-label": t("control.leave") },
      item("leave", "control.leave", () => meeting.leave()),
      item("close", "room.end", () => meeting.order.end(), "danger-item"),
    );
    above(this.element, button);
  }

  /** The leave button was pressed. */
  ask() {
    const { self, participants } = this.#meeting;
    if (!self.admin || participants.size === 0) return this.#meeting.leave();
    this.element.showPopover();
    return this.element.querySelector("button").focus();
  }
}
