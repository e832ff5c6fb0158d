// The bar of buttons. It shows a state and calls back; it decides nothing.

import { h, icon, show } from "../ui/dom.js";
import { clock, t } from "../ui/i18n.js";
import { above } from "./above.js";
import { Buttons } from "./buttons.js";
import { Menu } from "./menu.js";
import { reactionRow } from "./reactions.js";

const CLOCK_MS = 5_000;
const CENTRE = ["microphone", "camera", "share", "react", "hand", "more", "leave"];
const SIDE = ["copy", "people", "chat"];
const ALWAYS = new Set(["microphone", "camera", "chat", "more", "leave"]); // the others are in the menu of phones
const POPOVERS = { more: "more-menu", react: "reaction-menu" };

export class Controls {
  #badge = h("span", { class: "badge", hidden: true });
  #count = h("span", { class: "count" });
  #lock = h("span", { class: "bar-lock", role: "img", "aria-label": t("room.isLocked"), title: t("room.isLocked"), hidden: true }, icon("lock"));
  #time = h("span", { class: "bar-time" });
  #timer;
  #bar = {};

  /** @param {{room: string, press: (id: string) => void, layout: (name: string) => void, react: (reaction: string) => void}} options */
  constructor({ room, press, layout, react }) {
    this.buttons = new Buttons(press);
    this.menu = new Menu(this.buttons, { layout, react });
    const reactions = h("div", { class: "menu reactions", id: "reaction-menu", popover: "auto", role: "group", "aria-label": t("control.react") }, reactionRow(react));
    for (const id of [...CENTRE, ...SIDE]) this.#bar[id] = this.#round(id);
    above(this.menu.element, this.#bar.more);
    above(reactions, this.#bar.react);
    this.element = h(
      "div",
      { class: "bar", role: "group", "aria-label": t("control.bar") },
      h("div", { class: "bar-room" }, h("strong", {}, room), this.#lock, this.#time),
      h("div", { class: "bar-centre" }, CENTRE.map((id) => this.#bar[id])),
      h("div", { class: "bar-side" }, SIDE.map((id) => this.#bar[id])),
      this.menu.element,
      reactions,
    );
    this.#bar.chat.append(this.#badge);
    this.#bar.people.append(this.#count);
    this.#tick();
    this.#timer = setInterval(() => this.#tick(), CLOCK_MS);
  }

  setUnread(count) {
    show(this.#badge, count > 0);
    this.#badge.textContent = count > 9 ? "9+" : String(count);
    this.#bar.chat.setAttribute("aria-label", count ? t("control.chatUnread", { count }) : t("control.chat"));
  }

  /** How many are here; for hosts, how many wait to come in. */
  setPeople(count, waiting) {
    this.#count.textContent = String(waiting || count);
    this.#count.classList.toggle("waits", waiting > 0);
    const text = waiting ? t("control.peopleWaiting", { count: waiting }) : t("control.people");
    this.#bar.people.setAttribute("aria-label", text);
  }

  setLocked(locked) {
    show(this.#lock, locked);
  }

  close() {
    clearInterval(this.#timer);
  }

  /** For a menu of its own. */
  get leaveButton() {
    return this.#bar.leave;
  }

  #round(id) {
    const button = this.buttons.round(id, `${ALWAYS.has(id) ? "" : "wide"} ${id === "leave" ? "leave" : ""}`);
    if (POPOVERS[id]) button.setAttribute("popovertarget", POPOVERS[id]);
    return button;
  }

  #tick() {
    this.#time.textContent = clock(Date.now());
  }
}
