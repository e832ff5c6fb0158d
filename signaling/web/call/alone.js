// What stands on the stage while nobody else is there: how to bring others.

import { h, icon } from "../ui/dom.js";
import { t } from "../ui/i18n.js";
import { canSend, copyLink, sendLink } from "../ui/link.js";

/** @param {string} room  its name */
export function alone(room) {
  const button = (className, iconName, key, onclick) => h("button", { type: "button", class: className, onclick }, icon(iconName), t(key));
  const copy = button("primary", "link", "control.copy", copyLink);
  const send = canSend() && button("secondary", "share", "control.send", () => sendLink(room));
  const ways = h("div", { class: "alone-ways" }, copy, send);
  return h("div", { class: "alone", hidden: true }, h("strong", {}, t("tile.alone")), h("p", {}, t("tile.aloneText")), ways);
}
