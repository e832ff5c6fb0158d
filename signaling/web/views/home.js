// The start page: a new meeting, or the name of one that exists.

import { h, icon, iconButton } from "../ui/dom.js";
import { t } from "../ui/i18n.js";
import { isRoomName, newRoomName } from "../ui/names.js";

const MARK = new URL("../favicon.svg", import.meta.url).pathname;

export function brand() {
  return h("p", { class: "brand" }, h("img", { src: MARK, alt: "", width: 32, height: 32 }), "Ciranda");
}

/** Of a meeting here; that a name alone is asked for is easily overlooked. */
const isLink = (text) => URL.canParse(text) && new URL(text).origin === location.origin;

export class HomeView {
  #input;
  #hint;

  /** @param {(room: string) => void} open */
  constructor(open) {
    this.#hint = h("p", { class: "field-problem", id: "room-hint", role: "alert" });
    this.#input = h("input", {
      id: "room",
      name: "room",
      autocomplete: "off",
      autocapitalize: "none",
      spellcheck: false,
      maxLength: 8_192, // a link may carry a token
      placeholder: t("home.placeholder"),
      "aria-describedby": "room-hint",
      oninput: () => (this.#hint.textContent = ""),
    });
    const submit = (event) => {
      event.preventDefault();
      const text = this.#input.value.trim();
      if (isLink(text)) return location.assign(text);
      const room = text.replace(/\s+/g, "-");
      if (isRoomName(room)) return open(room);
      this.#hint.textContent = t("home.invalid");
      return this.#input.focus();
    };
    const proposed = h("strong", {}, newRoomName());
    const again = iconButton("again", t("home.another"), () => (proposed.textContent = newRoomName()), { class: "round plain" });
    this.element = h(
      "main",
      { class: "home" },
      brand(),
      h("h1", {}, t("home.title")),
      h("p", { class: "lead" }, t("home.text")),
      h("button", { type: "button", class: "primary large", onclick: () => open(proposed.textContent) }, t("home.start"), icon("arrow")),
      h("p", { class: "home-name" }, h("span", { role: "status" }, t("home.named"), " ", proposed), again),
      h(
        "form",
        { class: "home-enter", onsubmit: submit },
        h("label", { htmlFor: "room" }, t("home.room")),
        h("div", { class: "field-row" }, this.#input, h("button", { type: "submit", class: "secondary" }, t("home.enter"))),
        this.#hint,
      ),
    );
  }

  close() {}
}
