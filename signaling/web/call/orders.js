// What can be done about one person: write to them; and, by a host, ask, mute, turn off, remove. The server decides what of it counts.

import { h, icon } from "../ui/dom.js";
import { confirm } from "../ui/dialog.js";
import { t } from "../ui/i18n.js";

const EDGE_PX = 8;
const NARROW_PX = 600;

export class Orders {
  #meeting;
  #write;

  /** @param {(id: string) => void} write  opens the chat for a private message */
  constructor(meeting, write) {
    this.#meeting = meeting;
    this.#write = write;
    this.element = h("div", { class: "menu orders", id: "orders-menu", popover: "auto", role: "group" });
    const left = () => this.element.contains(document.activeElement) || this.element.hidePopover(); // it would cover what has the focus
    this.element.addEventListener("keydown", ({ key }) => key === "Tab" && setTimeout(left));
  }

  /** @param {string} id  of a participant  @param {HTMLElement} button  where the menu opens */
  open(id, button) {
    const person = this.#meeting.participants.get(id);
    if (!person) return;
    this.element.setAttribute("aria-label", t("orders.open", { name: person.name }));
    this.element.replaceChildren(h("p", { class: "menu-title" }, person.name), ...this.#items(person));
    this.element.showPopover();
    addEventListener("resize", () => this.element.matches(":popover-open") && this.element.hidePopover(), { once: true });
    this.#beside(button.getBoundingClientRect());
    this.element.querySelector("button")?.focus();
  }

  #items(person) {
    const { order, permissions, self } = this.#meeting;
    const item = (iconName, key, action, className = "") =>
      h("button", { type: "button", class: `menu-item ${className}`, onclick: () => (this.element.hidePopover(), action()) }, icon(iconName), h("span", {}, t(key)));
    const items = [permissions.data && (order.state.chat || self.admin) && item("chat", "orders.write", () => this.#write(person.id))];
    if (self.admin) items.push(...this.#asHost(person, item));
    return items.filter(Boolean);
  }

  #asHost(person, item) {
    const { order, hands, open } = this.#meeting;
    const { id } = person;
    const tracks = [...person.tracks.values()];
    const find = (source) => tracks.find((track) => track.source === source);
    const [voice, camera, screen] = ["microphone", "camera", "screen"].map(find);
    const on = (track) => track && !track.muted;
    const allow = (source, key) => !order.state[source] && !person.admin && item("check", key, () => order.allow(id, source, true));
    return [
      on(voice) && item("mic-off", "orders.askMute", () => order.ask(id, "microphone", true)),
      on(voice) && item("mic-off", "orders.mute", () => order.mute(voice.id)),
      !on(voice) && item("mic", "orders.askUnmute", () => order.ask(id, "microphone", false)),
      on(camera) && item("camera-off", "orders.cameraOff", () => order.mute(camera.id)),
      !on(camera) && item("camera", "orders.askCamera", () => order.ask(id, "camera", false)),
      screen && item("screen-off", "orders.screenOff", () => order.mute(screen.id)),
      hands.includes(id) && item("hand", "orders.lowerHand", () => order.lowerHand(id)),
      allow("microphone", "orders.allowMicrophone"),
      allow("camera", "orders.allowCamera"),
      allow("screen", "orders.allowScreen"),
      open && !person.admin && item("shield", "orders.promote", () => order.promote(id)),
      item("remove", "orders.remove", () => this.#remove(person), "danger-item"),
    ];
  }

  async #remove({ id, name }) {
    const title = t("orders.removeTitle", { name });
    if (await confirm({ title, text: t("orders.removeText"), yes: t("orders.remove") })) this.#meeting.order.remove(id);
  }

  /** Under or over the button, inside of the window; phones have it at the lower edge. */
  #beside({ left, right, top, bottom }) {
    const { style } = this.element;
    for (const edge of ["left", "top"]) style.removeProperty(edge);
    if (innerWidth < NARROW_PX) return;
    const { offsetWidth: width, offsetHeight: height } = this.element;
    const x = Math.min(Math.max(EDGE_PX, right - width), innerWidth - width - EDGE_PX);
    const y = bottom + height + EDGE_PX <= innerHeight ? bottom + 4 : Math.max(EDGE_PX, top - height - 4);
    style.left = `${Math.max(EDGE_PX, x || left)}px`;
    style.top = `${y}px`;
  }
}
