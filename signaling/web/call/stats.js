// Connection details as a table, renewed with every look at the connection while it is open.

import { h } from "../ui/dom.js";
import { t } from "../ui/i18n.js";

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
      table(t("stats.path"), [
        [t("stats.path"), [path.protocol, path.local, path.cipher].filter(Boolean).join(" · ")],
        [t("stats.rtt"), `${path.rttMs} ms`],
        [t("stats.available"), `${path.availableOutKbps} kbit/s`],
      ]),
      table(t("stats.sent"), sent.map((entry) => [[entry.source, entry.rid].filter(Boolean).join(" "), describe(entry)])),
      table(t("stats.received"), received.map((entry) => [nameOf(entry.participant), describe(entry)])),
    );
  }
}

function describe({ codec, kbps, width, height, fps, lossPercent, jitterMs }) {
  const parts = [codec, width ? `${width}×${height}` : null, fps ? `${fps}/s` : null, `${kbps} kbit/s`];
  if (jitterMs !== undefined) parts.push(t("stats.jitter", { ms: jitterMs }));
  if (lossPercent >= 0.1) parts.push(t("stats.loss", { percent: lossPercent.toFixed(1) }));
  return parts.filter(Boolean).join(" · ");
}

function table(title, rows) {
  const body = rows.map(([name, value]) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, value)));
  return h("table", {}, h("caption", {}, title), h("tbody", {}, body));
}
