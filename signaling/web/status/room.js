// One room: who is in it, what they publish layer by layer, what is forwarded to them slot by slot.

import { h } from "../ui/dom.js";
import { has, t } from "../ui/i18n.js";
import { NOTHING, bits, count, duration, ms, percent } from "./format.js";
import { head } from "./head.js";
import { Rates } from "./rates.js";
import { Table } from "./table.js";

const PEOPLE = ["name", "id", "connection", "rtt", "fromThem", "toThem", "flags"];
const LAYERS = ["who", "source", "layer", "format", "rate", "lost", "jitter"];
const SLOTS = ["who", "mid", "shows", "layer", "rate", "loss", "resent"];
const NUMBERS = new Set(["rtt", "fromThem", "toThem", "layer", "rate", "lost", "jitter", "loss", "resent"]);

const named = (source) => (has(`status.source.${source}`) ? t(`status.source.${source}`) : source);

const columns = (names) => names.map((name) => ({ label: t(`status.${name}`), number: NUMBERS.has(name) }));

export class RoomView {
  #api;
  #name;
  #rates = new Rates();
  #line = h("p", { class: "status-line" });
  #people = new Table(t("status.people"), columns(PEOPLE), t("status.nobody"));
  #tracks = new Table(t("status.layers"), columns(LAYERS), t("status.nothingPublished"));
  #slots = new Table(t("status.slots"), columns(SLOTS), t("status.nothingReceived"));

  constructor(api, name) {
    this.#api = api;
    this.#name = name;
    this.head = head(name, [this.#line], { back: true });
    this.element = h("div", { class: "status-body" }, this.#people.element, this.#tracks.element, this.#slots.element);
  }

  async refresh() {
    const room = await this.#api.room(this.#name);
    const people = room.participants;
    this.#rates.begin(performance.now() / 1000);
    const age = duration(Date.now() / 1000 - room.created);
    this.#line.textContent = t("status.roomLine", { people: count(people.length), tracks: count(room.tracks), age });
    const owners = new Map(people.flatMap(({ name, tracks }) => tracks.map(({ id, source }) => [id, `${name}: ${named(source)}`])));
    this.#people.update(people.map((person) => this.#person(person)));
    this.#tracks.update(people.flatMap((person) => person.tracks.flatMap((track) => this.#layers(person, track))));
    this.#slots.update(people.flatMap((person) => person.slots.map((slot) => this.#slot(person, slot, owners))));
  }

  #bits(name, bytes) {
    const rate = this.#rates.of(name, bytes);
    return bits(rate === null ? null : rate * 8);
  }

  #person({ id, name, identity, connection, transport, ...flags }) {
    const set = ["admin", "hidden"].filter((flag) => flags[flag]).map((flag) => t(`status.${flag}`));
    if (!flags.attached) set.push(t("status.away"));
    return {
      key: id,
      cells: [
        name,
        identity ? `${id} · ${identity}` : id,
        connection ? { text: t(`status.state.${connection}`), tone: connection === "connected" ? "good" : "bad" } : NOTHING,
        transport?.rtt_us ? ms(transport.rtt_us / 1e6) : NOTHING,
        transport ? this.#bits(`${id} in`, transport.bytes_received) : NOTHING,
        transport ? this.#bits(`${id} out`, transport.bytes_sent) : NOTHING,
        set.join(", "),
      ],
    };
  }

  #layers({ name }, { id, source, muted, layers }) {
    const what = muted ? `${named(source)} (${t("status.muted")})` : named(source);
    return layers.flatMap((layer, index) => {
      if (!layer) return [];
      const lost = layer.packets ? percent(layer.lost / (layer.packets + layer.lost), 1) : NOTHING;
      const rate = this.#bits(`${id} ${index}`, layer.bytes);
      const jitter = ms(layer.jitter_us / 1e6);
      return [{ key: `${id} ${index}`, cells: [name, what, count(index), layer.format ?? NOTHING, rate, lost, jitter] }];
    });
  }

  #slot({ id, name }, slot, owners) {
    const key = `${id} ${slot.mid}`;
    const shows = slot.track ? (owners.get(slot.track) ?? slot.track) : NOTHING;
    const layer = slot.layer >= 0 ? count(slot.layer) : NOTHING;
    const rate = this.#bits(key, slot.bytes);
    const loss = percent(slot.loss_ratio, 1);
    return { key, cells: [name, `${slot.mid} · ${slot.kind}`, shows, layer, rate, loss, count(slot.retransmissions)] };
  }
}
