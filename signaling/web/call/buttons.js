// What buttons a call has, and their one state, which the bar and the menu show alike.

import { h, icon, iconButton, relabel, setIcon, show } from "../ui/dom.js";
import { t } from "../ui/i18n.js";

// id → [icon, name, icon when active, name when active]
const BUTTONS = {
  microphone: ["mic-off", "control.unmute", "mic", "control.mute"],
  camera: ["camera-off", "control.cameraOn", "camera", "control.cameraOff"],
  share: ["screen", "control.share", "screen-off", "control.stopShare"],
  hand: ["hand", "control.hand", "hand", "control.lowerHand"],
  react: ["smile", "control.react", "smile", "control.react"],
  people: ["people", "control.people", "people", "control.people"],
  chat: ["chat", "control.chat", "chat", "control.chat"],
  copy: ["link", "control.copy", "link", "control.copy"],
  send: ["share", "control.send", "share", "control.send"],
  pip: ["pip", "control.pip", "pip", "control.pipClose"],
  audio: ["headphones", "control.audioOnly", "headphones", "control.video"],
  fullscreen: ["expand", "control.fullscreen", "expand", "control.fullscreenEnd"],
  stats: ["stats", "control.stats", "stats", "control.stats"],
  settings: ["settings", "control.settings", "settings", "control.settings"],
  keys: ["keyboard", "control.keys", "keyboard", "control.keys"],
  room: ["shield", "control.room", "shield", "control.room"],
  more: ["more", "control.more", "more", "control.more"],
  leave: ["leave", "control.leave", "leave", "control.leave"],
};
const ALWAYS_PLAIN = new Set(["microphone", "camera"]); // their icon alone says the state

export class Buttons {
  #made = new Map(); // id → [button, …]
  #press;

  /** @param {(id: string) => void} press */
  constructor(press) {
    this.#press = press;
  }

  /** A round one with an icon. */
  round(id, className = "") {
    const [iconName, key] = BUTTONS[id];
    const button = iconButton(iconName, t(key), () => this.#press(id), { class: `round control ${className}` });
    button.dataset.control = id;
    return this.#keep(id, button);
  }

  /** A line of a menu. */
  item(id, className, before) {
    const [iconName, key] = BUTTONS[id];
    const item = h("button", { type: "button", class: `menu-item ${className}` }, icon(iconName), h("span", {}, t(key)));
    item.addEventListener("click", () => {
      before();
      this.#press(id);
    });
    return this.#keep(id, item);
  }

  /** @param {boolean} active  @param {{off?: boolean, busy?: boolean, hint?: string | null}} [look]  hint: why it can not be pressed */
  set(id, active, { off = false, busy = false, hint = null } = {}) {
    const [iconOff, textOff, iconOn, textOn] = BUTTONS[id];
    const label = hint ?? t(active ? textOn : textOff);
    for (const button of this.#made.get(id) ?? []) {
      button.classList.toggle("off", off);
      button.classList.toggle("active", active && !off && !ALWAYS_PLAIN.has(id));
      button.disabled = busy || hint !== null;
      if (button.classList.contains("menu-item")) {
        setIcon(button, active ? iconOn : iconOff);
        button.querySelector("span").textContent = label;
      } else {
        relabel(button, active ? iconOn : iconOff, label);
      }
    }
  }

  offer(id, possible) {
    for (const button of this.#made.get(id) ?? []) show(button, possible);
  }

  /** Whether what it does is possible here. */
  offered(id) {
    return (this.#made.get(id) ?? []).some((button) => !button.hidden);
  }

  /** Of a button that opens something. */
  setOpen(id, open) {
    for (const button of this.#made.get(id) ?? []) {
      button.classList.toggle("active", open);
      button.setAttribute("aria-expanded", String(open));
    }
  }

  #keep(id, button) {
    this.#made.set(id, [...(this.#made.get(id) ?? []), button]);
    return button;
  }
}
