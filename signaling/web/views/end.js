// The view after a meeting, or instead of one: what happened, and a way on.

import { h, icon } from "../ui/dom.js";
import { t } from "../ui/i18n.js";
import { copyInvitation } from "../ui/link.js";
import { explain, needsInvitation } from "../ui/problem.js";
import { brand } from "./home.js";

// code → how the way back is called; what only another invitation can open has none
const AGAIN = { closed: "end.restart", removed: "end.rejoin", timeout: "end.rejoin", replaced: "end.here" };
const CALM = new Set(["closed", "replaced"]); // nothing went wrong
// code → a way that this page cannot go by itself: [name, action]
const ELSEWHERE = {
  unsupported_browser: ["control.copy", copyInvitation],
  insecure_context: ["end.https", () => location.replace(location.href.replace(/^http:/, "https:"))],
};

export class EndView {
  #heading;

  /** @param {{code: string, message: string, fatal: boolean}} error  @param {{again: (() => void) | null, home: () => void}} ways */
  constructor(error, { again, home }) {
    const byMyself = error.code === "closed" && !error.fatal;
    const { title, text } = byMyself ? { title: t("end.left"), text: t("end.leftText") } : explain(error);
    this.#heading = h("h1", { tabIndex: -1 }, title);
    const againKey = byMyself ? "end.rejoin" : (AGAIN[error.code] ?? "end.retry");
    const calm = byMyself || CALM.has(error.code);
    const elsewhere = ELSEWHERE[error.code];
    const ways = elsewhere
      ? [elsewhere, ["end.retry", again]]
      : [again && !needsInvitation(error.code) && [againKey, again], ["end.home", home]].filter(Boolean);
    this.element = h(
      "main",
      { class: "home end" },
      brand(),
      h("div", { class: calm ? "end-mark" : "end-mark problem" }, icon(byMyself ? "check" : calm ? "leave" : "warning")),
      this.#heading,
      h("p", { class: "lead" }, text),
      h(
        "div",
        { class: "end-ways" },
        ways.map(([key, onclick], index) => h("button", { type: "button", class: index ? "secondary" : "primary", onclick }, t(key))),
      ),
    );
  }

  shown() {
    this.#heading.focus();
  }

  close() {}
}
