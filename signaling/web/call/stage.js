// The stage: keeps one Tile for each entry of the cast, gives each its place, and moves them only when they must move.
// Owns pinning and the choice between "all alike", "whoever speaks" and "one large, the others beside".

import { h, show } from "../ui/dom.js";
import { t } from "../ui/i18n.js";
import { settings } from "../ui/settings.js";
import { Crowd } from "./crowd.js";
import { focusBoxes, gridBoxes, speakerBoxes } from "./layout.js";
import { Spotlight } from "./spotlight.js";
import { Strip } from "./strip.js";
import { Tile } from "./tile.js";

const GAP_PX = 10;
const NARROW_GAP_PX = 6;
const NARROW_PX = 600;
const MOST_TILES = 25;

export class Stage extends EventTarget {
  layout = "grid"; // or "speaker" or "sidebar"
  pinned = null; // key of a tile
  #tiles = new Map(); // of whoever was seen once: a thousand people have no thousand tiles
  #cast = [];
  #strip = new Strip();
  #crowd = new Crowd();
  #spotlight = new Spotlight(() => this.update(this.#cast));
  #more = h("li", { class: "tile more", hidden: true });
  #alone;
  #orders;

  /** @param {HTMLElement} alone  what is shown to somebody who is alone here
   *  @param {(entry: object, button: HTMLElement) => void} orders  opens what a host may ask of this person */
  constructor(alone, orders) {
    super();
    this.#alone = alone;
    this.#orders = orders;
    this.list = h("ul", { class: "tiles", "aria-label": t("tile.list") }, this.#more);
    this.element = h("section", { class: "stage" }, this.list, alone);
    this.observer = new ResizeObserver(() => this.#place());
    this.observer.observe(this.list);
  }

  /** Shows this cast (see cast.js). */
  update(cast) {
    this.#cast = cast;
    const keys = new Set(cast.map(({ key }) => key));
    for (const [key, tile] of this.#tiles) {
      if (keys.has(key)) continue;
      this.#tiles.delete(key);
      tile.close();
    }
    if (this.pinned && !keys.has(this.pinned)) this.#setPinned(null);
    this.#spotlight.follow(cast);
    for (const entry of cast) if (this.#tiles.has(entry.key)) this.#draw(entry);
    show(this.#alone, cast.every(({ self }) => self) && cast.length > 0);
    this.#place();
  }

  /** Participant id of whoever is pinned, oneself excepted. */
  get pinnedOther() {
    const entry = this.#cast.find(({ key }) => key === this.pinned);
    return entry && !entry.self ? entry.participant : null;
  }

  /** The entry that matters most now: for a small window with one picture. */
  get prominent() {
    const key = this.#large() ?? this.#spotlight.key;
    return this.#cast.find((entry) => entry.key === key) ?? this.#cast[0] ?? null;
  }

  get prominentVideo() {
    return this.#tiles.get(this.prominent?.key)?.video ?? null;
  }

  setLayout(layout) {
    this.layout = layout;
    this.#place();
  }

  /** Figures on each tile. @param {Map<string, string[]>} lines  by key; empty: none */
  setDetails(lines) {
    for (const [key, tile] of this.#tiles) tile.setDetails(lines.get(key) ?? []);
  }

  /** A reaction of this participant, on the tile. */
  react(participant, picture) {
    this.#tiles.get(participant)?.react(picture);
  }

  close() {
    this.observer.disconnect();
    this.#spotlight.close();
    for (const tile of this.#tiles.values()) tile.close();
  }

  #draw(entry) {
    let tile = this.#tiles.get(entry.key);
    if (!tile) {
      const onPin = () => this.#setPinned(this.pinned === entry.key ? null : entry.key);
      tile = new Tile({ ...entry, onPin, onOrders: (button) => this.#orders(entry, button) });
      this.#tiles.set(entry.key, tile);
      this.list.insertBefore(tile.element, this.#more);
    }
    tile.setCaption(entry.caption);
    tile.setStream(entry.stream);
    tile.setMarks({
      ...entry,
      mirrored: entry.self && !entry.screen && settings.mirror,
      pinned: entry.key === this.pinned,
    });
  }

  #setPinned(key) {
    this.pinned = key;
    for (const entry of this.#cast) if (this.#tiles.has(entry.key)) this.#draw(entry);
    this.#place();
    this.dispatchEvent(new Event("pinned"));
  }

  /** The large tile, if there is to be one: pinned, else somebody's screen, else whoever speaks. */
  #large() {
    const screens = this.#cast.filter(({ self, screen }) => screen && !self);
    return this.pinned ?? screens.at(-1)?.key ?? (this.layout === "grid" ? null : this.#spotlight.key);
  }

  #place() {
    const { clientWidth: width, clientHeight: height } = this.list;
    if (!width || !height) return;
    const gap = width < NARROW_PX ? NARROW_GAP_PX : GAP_PX;
    const large = this.#large();
    const keys = this.#strip.arrange(this.#cast.map(({ key }) => key), large);
    const corner = large && this.layout === "speaker";
    const hidden = corner ? 0 : Math.max(0, keys.length - MOST_TILES + 1);
    const own = this.#cast.find(({ self, screen, key }) => self && !screen && key !== large)?.key;
    const shown = corner ? [large, own].filter(Boolean) : hidden > 1 ? this.#choose(keys, large) : keys;
    for (const entry of this.#cast) if (!this.#tiles.has(entry.key) && shown.includes(entry.key)) this.#draw(entry);
    const places = shown.length + (hidden > 1 ? 1 : 0);
    const screen = this.#cast.some((entry) => entry.screen && entry.key === large);
    const boxes = (corner ? speakerBoxes : large ? focusBoxes : gridBoxes)(places, width, height, gap, screen);
    for (const [key, tile] of this.#tiles) {
      tile.place(boxes[shown.indexOf(key)] ?? null, { above: Boolean(corner) && key !== large });
    }
    this.#placeMore(hidden > 1 ? boxes.at(-1) : null, hidden);
  }

  #choose(keys, large) {
    const first = large ? [large] : [];
    const entries = new Map(this.#cast.map((entry) => [entry.key, entry]));
    return [...first, ...this.#crowd.choose(keys.slice(first.length), MOST_TILES - 1 - first.length, entries)];
  }

  #placeMore(box, hidden) {
    show(this.#more, box !== null);
    if (!box) return;
    this.#more.textContent = t("tile.more", { count: hidden });
    this.#more.style.transform = `translate(${box.x}px, ${box.y}px)`;
    this.#more.style.width = `${box.width}px`;
    this.#more.style.height = `${box.height}px`;
  }
}
