// The whole server: what it carries now, its workers, what it dropped and why, its rooms.

import { h } from "../ui/dom.js";
import { t } from "../ui/i18n.js";
import { NOTHING, bits, count, duration, ms, percent, perSecond } from "./format.js";
import { head } from "./head.js";
import { Rates } from "./rates.js";
import { Table } from "./table.js";
import { Trend } from "./trend.js";

const FIGURES = ["rooms", "people", "tracks", "lag", "in", "out", "packetsIn", "packetsOut"];
const sum = (counts) => Object.values(counts).reduce((total, one) => total + one, 0);
const column = (label, number = false) => ({ label, number });

export class ServerView {
  #api;
  #rates = new Rates();
  #figures = new Map(); // name → {value, trend}
  #line = h("p", { class: "status-line" });
  #workers = new Table(
    t("status.workers"),
    [column(t("status.address")), column(t("status.busy"), true), column(t("status.rooms"), true)],
    NOTHING,
  );
  #drops = new Table(
    t("status.drops"),
    [column(t("status.reason")), column(t("status.total"), true), column(t("status.rate"), true)],
    t("status.noDrops"),
  );
  #repairs = new Table(
    t("status.repairs"),
    [column(t("status.what")), column(t("status.total"), true), column(t("status.rate"), true)],
    NOTHING,
  );
  #rooms = new Table(
    t("status.rooms"),
    [column(t("lobby.room")), ...["people", "tracks", "age"].map((name) => column(t(`status.${name}`), true))],
    t("status.noRooms"),
  );

  constructor(api) {
    this.#api = api;
    this.head = head(t("status.title"), [this.#line]);
    const figure = (name) => {
      const value = h("span", {}, NOTHING);
      const trend = new Trend();
      this.#figures.set(name, { value, trend });
      return h("div", {}, h("dt", {}, t(`status.${name}`)), h("dd", {}, value, trend.element));
    };
    this.element = h(
      "div",
      { class: "status-body" },
      h("dl", { class: "status-figures" }, FIGURES.map(figure)),
      this.#rooms.element,
      h("div", { class: "status-pair" }, h("div", { class: "status-body" }, this.#workers.element, this.#drops.element), this.#repairs.element),
    );
  }

  async refresh() {
    const [server, rooms] = await Promise.all([this.#api.server(), this.#api.rooms()]);
    this.#rates.begin(server.now_us / 1e6);
    this.#line.textContent = t("status.line", { version: server.version, uptime: duration(server.uptime_s) });
    this.#showFigures(server);
    this.#workers.update(
      server.workers.map(({ address, busy_ratio: busy, rooms: held }) => ({
        key: address,
        cells: [address, { text: percent(busy ?? null), share: busy ?? 0 }, count(held)],
      })),
    );
    this.#drops.update(this.#counters(Object.entries(server.dropped).sort(([, a], [, b]) => b - a), (reason) => reason));
    const repairs = [
      ["nacksIn", server.nacks.in ?? 0],
      ["nacksOut", server.nacks.out ?? 0],
      ["retransmissions", server.retransmissions],
      ["keyframesIn", server.keyframe_requests.in ?? 0],
      ["keyframesOut", server.keyframe_requests.out ?? 0],
    ];
    this.#repairs.update(this.#counters(repairs, (name) => t(`status.${name}`)));
    this.#rooms.update(rooms.map((room) => this.#room(room)));
  }

  #showFigures(server) {
    const bytes = (direction) => this.#rates.of(`bytes ${direction}`, server.bytes[direction] ?? 0);
    const packets = (direction) => this.#rates.of(`packets ${direction}`, sum(server.packets[direction] ?? {}));
    const eight = (rate) => (rate === null ? null : rate * 8);
    const figures = {
      rooms: [server.rooms, count],
      people: [server.participants, count],
      tracks: [sum(server.tracks), count],
      lag: [server.event_loop_lag_s, ms],
      in: [eight(bytes("in")), bits],
      out: [eight(bytes("out")), bits],
      packetsIn: [packets("in"), perSecond],
      packetsOut: [packets("out"), perSecond],
    };
    for (const [name, [figure, words]] of Object.entries(figures)) {
      const { value, trend } = this.#figures.get(name);
      value.textContent = words(figure);
      trend.add(figure);
    }
  }

  #counters(entries, named) {
    return entries.map(([name, total]) => ({
      key: name,
      cells: [named(name), count(total), perSecond(this.#rates.of(`counter ${name}`, total))],
    }));
  }

  #room({ name, participants, tracks, created }) {
    const link = { text: name, href: `#${new URLSearchParams({ room: name })}` };
    return { key: name, cells: [link, count(participants), count(tracks), duration(Date.now() / 1000 - created)] };
  }
}
