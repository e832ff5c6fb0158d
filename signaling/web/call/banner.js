// The line above the stage: what is wrong with the connection right now, with a button where one helps.

import { h, show } from "../ui/dom.js";

const URGENCY = ["signalling", "media", "sound", "waiting", "audio"]; // what cannot wait comes first
const SETTLED = "audio"; // one's own choice, for as long as one likes: it has a place of its own, the others lie over the stage

export class Banner {
  #states = new Map(); // id → {text, button}
  #text = h("span", {});
  #button = h("button", { type: "button", class: "secondary compact", hidden: true });
  #action = null;

  constructor() {
    this.#button.addEventListener("click", () => this.#action?.());
    this.element = h("div", { class: "banner", role: "status", "aria-live": "polite", hidden: true }, this.#text, this.#button);
  }

  /** Sets or clears (text null) one of several causes; the most urgent one is shown. */
  set(id, text, button = null) {
    if (text) this.#states.set(id, { text, button });
    else this.#states.delete(id);
    const cause = URGENCY.find((one) => this.#states.has(one));
    const first = this.#states.get(cause);
    show(this.element, Boolean(first));
    if (!first) return;
    this.element.classList.toggle("settled", cause === SETTLED);
    this.#text.textContent = first.text;
    show(this.#button, Boolean(first.button));
    this.#button.textContent = first.button?.text ?? "";
    this.#action = first.button?.action ?? null;
  }
}
