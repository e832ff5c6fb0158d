// The quality of somebody's connection: three bars, and a text for those who do not see them.

import { h, show } from "../ui/dom.js";
import { t } from "../ui/i18n.js";

const TEXTS = ["", "quality.poor", "quality.fair", "quality.good"];

export class Bars {
  element = h("span", { class: "bars", role: "img", hidden: true }, [1, 2, 3].map(() => h("span", {})));

  /** @param {number} level  1 to 3; 0: not known, nothing is shown */
  set(level) {
    if (this.element.dataset.level === String(level)) return;
    this.element.dataset.level = String(level);
    show(this.element, level > 0);
    if (!level) return;
    this.element.title = t(TEXTS[level]);
    this.element.setAttribute("aria-label", t(TEXTS[level]));
  }
}
