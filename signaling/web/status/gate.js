// Asks for the token that opens the administration API.

import { h } from "../ui/dom.js";
import { t } from "../ui/i18n.js";
import { head } from "./head.js";

export class Gate {
  #input = h("input", {
    id: "token",
    name: "token",
    autocomplete: "off",
    spellcheck: false,
    required: true,
    "aria-describedby": "token-problem",
  });

  /** @param {string} refusal why the last one did not do  @param {(token: string) => void} enter */
  constructor(refusal, enter) {
    this.head = head(t("status.title"));
    const submit = (event) => {
      event.preventDefault();
      enter(this.#input.value.trim());
    };
    this.element = h(
      "form",
      { class: "status-gate", onsubmit: submit },
      h("p", {}, t("status.tokenText")),
      h("label", { htmlFor: "token" }, t("status.token")),
      this.#input,
      h("p", { class: "field-problem", id: "token-problem", role: "alert" }, refusal),
      h("button", { type: "submit", class: "primary" }, t("status.enter")),
    );
  }

  shown() {
    this.#input.focus();
  }
}
