// The whole server: what it carries now, its workers, what it dropped and why, its rooms.

import { h } from "../ui/dom.js";
import { t } from "../ui/i18n.js";
import { NOTHING, bits, count, duration, ms, percent, perSecond } from "./format.js";
import { head } from "./head.js";
import { Rates } from "./rates.js";
import { Table } from "./table.js";

const FIGURES = ["rooms", "people", "tracks", "in", "out", "packetsIn", "packetsOut", "lag"];
const sum = (counts) => Object.values(counts).reduce((total, one) => total + one, 0);
const column = (label, number = false) => ({ label, number });

export class ServerView {
  #api;
  #rates = new Rates();
  #figures = new Map();
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
      const value = h("dd", {}, NOTHING);
      this.#figures.set(name, value);
      return h("div", {}, h("dt", {}, t(`status.${name}`)), value);
    };
    this.element = h(
      "div",
      { class: "status-body" },
      h("dl", { class: "status-figures" }, FIGURES.map(figure)),
      this.#rooms.element,
      h("div", { class: "status-pair" }, this.#workers.element, this.#repairs.element),
      this.#drops.element,
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
        cells: [address, percent(busy ?? null), count(held)],
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
    const eight = (rate) => bits(rate === null ? null : rate * 8);
    const texts = {
      rooms: count(server.rooms),
      people: count(server.participants),
      tracks: count(sum(server.tracks)),
      in: eight(bytes("in")),
      out: eight(bytes("out")),
      packetsIn: perSecond(packets("in")),
      packetsOut: perSecond(packets("out")),
      lag: ms(server.event_loop_lag_s),
    };
    for (const [name, text] of Object.entries(texts)) this.#figures.get(name).textContent = text;
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
