// One person in the list: face, name, marks, and the way to what can be done about them. It draws what it is told.

import { h, icon, iconButton, setIcon, show } from "../ui/dom.js";
import { t } from "../ui/i18n.js";
import { hue, initials } from "../ui/names.js";

const mark = (iconName, className = "mark") => h("span", { class: className, role: "img" }, icon(iconName));

export class Person {
  #name = h("span", { class: "person-name" });
  #host = h("span", { class: "person-role", hidden: true }, t("people.host"));
  #place = h("span", {});
  #hand;
  #microphone = mark("mic");
  #camera = mark("camera");
  #orders;

  /** @param {{name: string, self: boolean}} entry  of the cast  @param {(button: HTMLElement) => void} onOrders */
  constructor({ name, self }, onOrders) {
    const avatar = h("span", { class: "avatar little", "aria-hidden": "true" }, initials(name));
    avatar.style.setProperty("--hue", hue(name));
    this.#hand = h("span", { role: "img", class: "mark hand", hidden: true }, icon("hand"), this.#place);
    this.#orders = iconButton("more", t("orders.open", { name }), () => onOrders(this.#orders), { class: "round plain", hidden: self });
    const names = h("span", { class: "person-names" }, this.#name, this.#host);
    this.element = h("li", { class: "person" }, avatar, names, this.#hand, this.#microphone, this.#camera, this.#orders);
    if (self) this.element.append(h("span", { class: "person-gap" }));
  }

  update({ caption, muted, speaking, stream, hand, hands, admin }) {
    this.#name.textContent = caption;
    show(this.#host, admin);
    show(this.#hand, hand > 0);
    this.#place.textContent = hands > 1 ? String(hand) : "";
    this.#hand.setAttribute("aria-label", hands > 1 ? t("tile.handPlace", { place: hand }) : t("tile.hand"));
    this.#set(this.#microphone, !muted, "mic", "people.microphone");
    this.#set(this.#camera, Boolean(stream), "camera", "people.camera");
    this.element.classList.toggle("speaking", speaking && !muted);
  }

  #set(element, on, iconName, key) {
    if (element.dataset.on === String(on)) return;
    element.dataset.on = String(on);
    element.classList.toggle("off", !on);
    element.setAttribute("aria-label", t(`${key}${on ? "On" : "Off"}`));
    setIcon(element, on ? iconName : `${iconName}-off`);
  }
}
