// The side panel: one content at a time, closed by its button or Escape. On phones it covers the stage.

import { h, iconButton, show } from "../ui/dom.js";
import { t } from "../ui/i18n.js";

export class Panel extends EventTarget {
  open = null; // id of what is shown
  #opener = null; // where the focus goes back to
  #title = h("h2", { id: "panel-title", tabIndex: -1 });
  #body = h("div", { class: "panel-body" });

  constructor() {
    super();
    const close = iconButton("close", t("close"), () => this.hide(), { class: "round plain" });
    this.element = h(
      "aside",
      { class: "panel", "aria-labelledby": "panel-title", hidden: true },
      h("header", { class: "panel-head" }, this.#title, close),
      this.#body,
    );
    this.element.addEventListener("keydown", (event) => event.key === "Escape" && this.hide());
  }

  /** @param {{element: HTMLElement, focus?: () => void}} content */
  show(id, title, content) {
    if (!this.open) this.#opener = document.activeElement;
    this.open = id;
    this.#title.textContent = title;
    this.#body.replaceChildren(content.element);
    show(this.element, true);
    if (content.focus) content.focus();
    else this.#title.focus();
    this.dispatchEvent(new Event("change"));
  }

  hide() {
    if (!this.open) return;
    this.open = null;
    if (this.element.contains(document.activeElement)) this.#opener?.focus();
    show(this.element, false);
    this.#body.replaceChildren();
    this.dispatchEvent(new Event("change"));
  }
}
