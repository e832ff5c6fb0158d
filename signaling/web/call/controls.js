// The bar of buttons, and the menu for what does not fit on it. It shows a state and calls back; it decides nothing.

import { h, icon, iconButton, relabel, setIcon, show } from "../ui/dom.js";
import { clock, t } from "../ui/i18n.js";

const CLOCK_MS = 5_000;

// id → [icon, name, icon when active, name when active]; "wide": not on phones, where the menu has it
const BUTTONS = {
  microphone: ["mic-off", "control.unmute", "mic", "control.mute"],
  camera: ["camera-off", "control.cameraOn", "camera", "control.cameraOff"],
  share: ["screen", "control.share", "screen-off", "control.stopShare"],
  hand: ["hand", "control.hand", "hand", "control.lowerHand"],
  people: ["people", "control.people", "people", "control.people"],
  chat: ["chat", "control.chat", "chat", "control.chat"],
  layout: ["focus", "control.layoutFocus", "grid", "control.layoutGrid"],
  copy: ["link", "control.copy", "link", "control.copy"],
  fullscreen: ["expand", "control.fullscreen", "expand", "control.fullscreen"],
  stats: ["stats", "control.stats", "stats", "control.stats"],
  settings: ["settings", "control.settings", "settings", "control.settings"],
};
const CENTRE = ["microphone", "camera", "share", "hand"];
const SIDE = ["copy", "people", "chat"];
const ALWAYS = new Set(["microphone", "camera", "chat"]);
const ALWAYS_PLAIN = new Set(["microphone", "camera", "layout"]); // their icon alone says the state
const MENU = ["share", "hand", "people", "copy", "layout", "fullscreen", "stats", "settings"];

export class Controls {
  #press;
  #buttons = new Map(); // id → [bar button or menu item, …]
  #badge = h("span", { class: "badge", hidden: true });
  #count = h("span", { class: "count" });
  #time = h("span", { class: "bar-time" });
  #timer;

  /** @param {{room: string, press: (id: string) => void}} options  `press` also gets "leave" */
  constructor({ room, press }) {
    this.#press = press;
    this.menu = h("div", { class: "menu", id: "more-menu", popover: "auto" }, MENU.map((id) => this.#menuItem(id)));
    const more = iconButton("more", t("control.more"), null, { class: "round control" });
    more.setAttribute("popovertarget", "more-menu");
    const leave = iconButton("leave", t("control.leave"), () => press("leave"), { class: "round control leave" });
    this.element = h(
      "div",
      { class: "bar", role: "group", "aria-label": t("control.bar") },
      h("div", { class: "bar-room" }, h("strong", {}, room), this.#time),
      h("div", { class: "bar-centre" }, CENTRE.map((id) => this.#barButton(id)), more, leave),
      h("div", { class: "bar-side" }, SIDE.map((id) => this.#barButton(id))),
      this.menu,
    );
    this.#bar("chat").append(this.#badge);
    this.#bar("people").append(this.#count);
    this.#tick();
    this.#timer = setInterval(() => this.#tick(), CLOCK_MS);
  }

  /** @param {boolean} active  @param {{off?: boolean, busy?: boolean}} [look] */
  set(id, active, { off = false, busy = false } = {}) {
    const [iconOff, textOff, iconOn, textOn] = BUTTONS[id];
    const label = t(active ? textOn : textOff);
    for (const button of this.#buttons.get(id)) {
      button.classList.toggle("off", off);
      button.classList.toggle("active", active && !off && !ALWAYS_PLAIN.has(id));
      button.disabled = busy;
      if (button.classList.contains("menu-item")) {
        setIcon(button, active ? iconOn : iconOff);
        button.querySelector("span").textContent = label;
      } else {
        relabel(button, active ? iconOn : iconOff, label);
      }
    }
  }

  offer(id, possible) {
    for (const button of this.#buttons.get(id)) show(button, possible);
  }

  setUnread(count) {
    show(this.#badge, count > 0);
    this.#badge.textContent = count > 9 ? "9+" : String(count);
    this.#bar("chat").setAttribute("aria-label", count ? t("control.chatUnread", { count }) : t("control.chat"));
  }

  setPeople(count) {
    this.#count.textContent = String(count);
  }

  setOpen(id, open) {
    for (const button of this.#buttons.get(id)) {
      button.classList.toggle("active", open);
      button.setAttribute("aria-expanded", String(open));
    }
  }

  focus(id) {
    this.#bar(id)?.focus();
  }

  close() {
    clearInterval(this.#timer);
  }

  #bar(id) {
    return this.#buttons.get(id).find((button) => !button.classList.contains("menu-item"));
  }

  #barButton(id) {
    const [iconName, key] = BUTTONS[id];
    const classes = ALWAYS.has(id) ? "round control" : "round control wide";
    const button = iconButton(iconName, t(key), () => this.#press(id), { class: classes });
    button.dataset.control = id;
    return this.#keep(id, button);
  }

  #menuItem(id) {
    const [iconName, key] = BUTTONS[id];
    const onBar = CENTRE.includes(id) || SIDE.includes(id);
    const item = h("button", { type: "button", class: onBar ? "menu-item narrow" : "menu-item" }, icon(iconName), h("span", {}, t(key)));
    item.addEventListener("click", () => {
      this.menu.hidePopover();
      this.#press(id);
    });
    return this.#keep(id, item);
  }

  #keep(id, button) {
    this.#buttons.set(id, [...(this.#buttons.get(id) ?? []), button]);
    return button;
  }

  #tick() {
    this.#time.textContent = clock(Date.now());
  }
}
