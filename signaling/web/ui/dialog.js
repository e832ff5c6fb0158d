// A question that must be answered before anything else. The browser keeps the focus inside and gives it back afterwards.

import { h } from "./dom.js";
import { t } from "./i18n.js";

/** @param {{title: string, text?: string, yes: string}} question  @returns {Promise<boolean>} */
export function confirm({ title, text = "", yes }) {
  return new Promise((resolve) => {
    const dialog = h("dialog", { class: "dialog", "aria-labelledby": "dialog-title" });
    const answer = (value) => h("button", { type: "button", class: value ? "danger" : "secondary", onclick: () => dialog.close(value) }, value ? yes : t("cancel"));
    dialog.append(
      h("h2", { id: "dialog-title" }, title),
      text ? h("p", {}, text) : "",
      h("div", { class: "dialog-ways" }, answer(""), answer("yes")),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
