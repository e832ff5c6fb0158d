// The head of each operators' view: the mark, a title, a line that changes, a way back.

import { h } from "../ui/dom.js";
import { t } from "../ui/i18n.js";

const MARK = new URL("../favicon.svg", import.meta.url).pathname;

/** @param {string} title  @param {HTMLElement[]} more  @param {{back?: boolean}} options */
export function head(title, more = [], { back = false } = {}) {
  return h(
    "header",
    { class: "status-head" },
    h("img", { src: MARK, alt: "", width: 32, height: 32 }),
    h("h1", {}, title),
    ...more,
    back && h("a", { class: "secondary compact", href: "#" }, t("status.back")),
  );
}
