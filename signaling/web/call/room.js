// The options of the room, for its hosts: who gets in, what the others may do, everybody muted, the end.

import { h, icon } from "../ui/dom.js";
import { confirm } from "../ui/dialog.js";
import { t } from "../ui/i18n.js";

const DOOR = ["locked", "waiting_room"];
const RIGHTS = ["microphone", "camera", "screen", "chat"];
const PRIVACY = ["direct"];

export class RoomPanel {
  #boxes = {};

  /** @param {Order} order  of the client module */
  constructor(order) {
    const box = (part) => {
      const input = h("input", { type: "checkbox", role: "switch", onchange: () => order.change({ [part]: input.checked }) });
      this.#boxes[part] = input;
      return h("label", { class: "switch" }, h("span", {}, t(`room.${part}`)), input);
    };
    const muteAll = h("button", { type: "button", class: "secondary", onclick: () => order.muteAll("microphone") }, icon("mic-off"), t("room.muteAll"));
    const end = h("button", { type: "button", class: "danger", onclick: () => this.#end(order) }, t("room.end"));
    this.element = h(
      "div",
      { class: "room-panel" },
      h("h3", {}, t("room.door")),
      DOOR.map(box),
      h("h3", {}, t("room.rights")),
      RIGHTS.map(box),
      h("h3", {}, t("room.privacy")),
      PRIVACY.map(box),
      h("div", { class: "room-deeds" }, muteAll, end),
    );
    this.update(order.state);
  }

  update(state) {
    for (const [part, input] of Object.entries(this.#boxes)) input.checked = Boolean(state[part]);
  }

  async #end(order) {
    if (await confirm({ title: t("room.endTitle"), text: t("room.endText"), yes: t("room.end") })) order.end();
  }
}
