// Connection details as a table, renewed with every look at the connection while it is open.

import { h } from "../ui/dom.js";
import { t } from "../ui/i18n.js";
import { describe, pathText } from "./details.js";

const nameOfSource = (source) => t(source.startsWith("screen") ? "tile.yourScreen" : `device.${source}`);

export class StatsPanel {
  #meeting;
  #pulse;

  /** @param {Pulse} pulse */
  constructor(meeting, pulse) {
    this.#meeting = meeting;
    this.#pulse = pulse;
    this.element = h("div", { class: "stats" }, h("p", { class: "panel-hint" }, t("stats.none")));
    this._draw = () => this.#draw();
    pulse.addEventListener("beat", this._draw);
    this.#draw();
  }

  close() {
    this.#pulse.removeEventListener("beat", this._draw);
  }

  #draw() {
    const { path, sent, received } = this.#pulse.stats ?? {};
    if (!path) return;
    const { participants } = this.#meeting;
    const nameOf = (id) => participants.get(id)?.name ?? id;
    this.element.replaceChildren(
      table(t("stats.connection"), [
        [t("stats.path"), [pathText(path), path.cipher].filter(Boolean).join(" · ")],
        [t("stats.rtt"), `${path.rttMs} ms`],
        [t("stats.available"), `${path.availableOutKbps} kbit/s`],
      ]),
      table(t("stats.sent"), sent.map((entry) => [[nameOfSource(entry.source), entry.rid].filter(Boolean).join(" "), describe(entry)])),
      table(t("stats.received"), received.map((entry) => [nameOf(entry.participant), describe(entry)])),
    );
  }
}

function table(title, rows) {
  const body = rows.map(([name, value]) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, value)));
  return h("table", {}, h("caption", {}, title), h("tbody", {}, body));
}
