// The menu of the call: which layout, and every button that the bar has no room for.

import { h, icon } from "../ui/dom.js";
import { t } from "../ui/i18n.js";
import { reactionRow } from "./reactions.js";

const LAYOUTS = { grid: "grid", speaker: "speaker", sidebar: "focus" }; // → icon
const NARROW = ["hand", "share", "people", "copy"]; // on the bar of larger windows
const ITEMS = ["send", "pip", "audio", "fullscreen", "room", "stats", "keys", "settings"];

export class Menu {
  #choices = {};

  /** @param {Buttons} buttons  @param {{layout: (name: string) => void, react: (reaction: string) => void}} actions */
  constructor(buttons, { layout, react }) {
    const hide = () => this.element.hidePopover();
    const choices = Object.entries(LAYOUTS).map(([name, iconName]) => this.#choice(name, iconName, layout));
    this.element = h(
      "div",
      { class: "menu", id: "more-menu", popover: "auto", role: "group", "aria-label": t("control.more") },
      reactionRow((reaction) => (hide(), react(reaction)), "reaction-row narrow"),
      h("div", { class: "layouts", role: "group", "aria-label": t("layout.title") }, choices),
      NARROW.map((id) => buttons.item(id, "narrow", hide)),
      ITEMS.map((id) => buttons.item(id, "", hide)),
    );
    this.element.addEventListener("keydown", (event) => this.#key(event));
  }

  setLayout(layout) {
    for (const [name, button] of Object.entries(this.#choices)) button.setAttribute("aria-pressed", String(name === layout));
  }

  #choice(name, iconName, layout) {
    const button = h("button", { type: "button", class: "layout-choice", "aria-pressed": "false" }, icon(iconName), h("span", {}, t(`layout.${name}`)));
    button.dataset.layout = name;
    button.addEventListener("click", () => layout(name));
    this.#choices[name] = button;
    return button;
  }

  /** Arrows walk, as in any menu; tab does too. */
  #key(event) {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = [...this.element.querySelectorAll("button")].filter((button) => button.checkVisibility() && !button.disabled);
    const at = all.indexOf(document.activeElement);
    all[(at + step + all.length) % all.length]?.focus();
  }
}
