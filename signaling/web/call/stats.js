// Connection details as a table, renewed while it is open.

import { h } from "../ui/dom.js";
import { t } from "../ui/i18n.js";

const INTERVAL_MS = 2_000;

export class StatsPanel {
  #meeting;
  #timer;

  constructor(meeting) {
    this.#meeting = meeting;
    this.element = h("div", { class: "stats" }, h("p", { class: "panel-hint" }, t("stats.none")));
    this.#timer = setInterval(() => this.#draw(), INTERVAL_MS);
    this.#draw();
  }

  close() {
    clearInterval(this.#timer);
  }

  async #draw() {
    const { path, sent, received } = await this.#meeting.stats();
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

function describe({ codec, kbps, width, height, fps, lossPercent }) {
  const parts = [codec, width ? `${width}×${height}` : null, fps ? `${fps}/s` : null, `${kbps} kbit/s`];
  if (lossPercent >= 0.1) parts.push(t("stats.loss", { percent: lossPercent.toFixed(1) }));
  return parts.filter(Boolean).join(" · ");
}

function table(title, rows) {
  const body = rows.map(([name, value]) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, value)));
  return h("table", {}, h("caption", {}, title), h("tbody", {}, body));
}
