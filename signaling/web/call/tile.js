// One tile: a picture or initials, a name, marks. It draws what it is told and knows no meeting.

import { h, icon, iconButton, relabel, show } from "../ui/dom.js";
import { t } from "../ui/i18n.js";
import { hue, initials } from "../ui/names.js";
import { Bars } from "./bars.js";
import { showByTap } from "./taps.js";

const SMALL_PX = 150; // below this width a tile shows only the essential
const REACTION_MS = 3_000;

export class Tile {
  #video;
  #name;
  #muted;
  #hand;
  #place = h("span", {});
  #bars = new Bars();
  #pin;
  #orders;
  #details = h("p", { class: "tile-details", hidden: true });
  #reaction = h("span", { class: "tile-reaction", "aria-hidden": "true", hidden: true });
  #reacted = 0;
  #stream = null;
  #caption = null;

  /** @param {{name: string, caption: string, screen: boolean, self: boolean, onPin: () => void,
   *  onOrders: (button: HTMLElement) => void}} options */
  constructor({ name, caption, screen, self, onPin, onOrders }) {
    this.#video = h("video", { autoplay: true, playsInline: true, muted: true, disablePictureInPicture: false, tabIndex: -1 });
    this.#video.addEventListener("loadeddata", () => this.#playing());
    this.#video.addEventListener("resize", () => this.#playing());
    const avatar = h("div", { class: "avatar", "aria-hidden": "true" }, initials(name));
    this.#muted = h("span", { class: "tile-mark", role: "img", "aria-label": t("tile.muted"), hidden: true }, icon("mic-off"));
    this.#hand = h("span", { class: "tile-hand", role: "img", "aria-label": t("tile.hand"), hidden: true }, icon("hand"), this.#place);
    this.#name = h("span", { class: "tile-name" });
    this.#pin = iconButton("pin", t("tile.pin", { name }), onPin, { class: "round tile-button", "aria-pressed": "false" });
    const orders = t("orders.open", { name });
    this.#orders = iconButton("more", orders, () => onOrders(this.#orders), { class: "round tile-button", hidden: true });
    this.element = h(
      "li",
      { class: "tile" },
      h("div", { class: "tile-face" }, avatar),
      this.#video,
      h("div", { class: "tile-label" }, this.#muted, this.#name, screen ? null : this.#bars.element),
      this.#hand,
      this.#details,
      this.#reaction,
      self && !screen ? null : h("div", { class: "tile-buttons" }, this.#orders, this.#pin),
    );
    showByTap(this.element);
    this.element.style.setProperty("--hue", hue(name));
    this.element.classList.toggle("screen", screen);
    this.element.classList.toggle("self", self);
    this.setCaption(caption);
  }

  /** For a picture in a window of its own. */
  get video() {
    return this.#video;
  }

  setCaption(caption) {
    if (caption === this.#caption) return;
    this.#caption = caption;
    this.#name.textContent = caption;
    this.element.setAttribute("aria-label", caption);
  }

  /** The stream to show, or null for initials. */
  setStream(stream) {
    if (stream === this.#stream) return;
    this.#stream = stream;
    this.element.classList.remove("playing");
    this.#video.srcObject = stream;
    if (stream) this.#video.play().catch(() => {}); // a muted video may always start; it was replaced meanwhile
  }

  setMarks({ muted, speaking, hand, hands, mirrored, pinned, name, quality = 0, orders = false }) {
    show(this.#muted, muted);
    show(this.#hand, hand > 0);
    this.#place.textContent = hands > 1 ? String(hand) : "";
    this.#hand.setAttribute("aria-label", hands > 1 ? t("tile.handPlace", { place: hand }) : t("tile.hand"));
    this.#bars.set(quality);
    show(this.#orders, orders);
    this.element.classList.toggle("speaking", speaking && !muted);
    this.element.classList.toggle("mirrored", mirrored);
    this.element.classList.toggle("pinned", pinned);
    if (this.#pin.getAttribute("aria-pressed") === String(pinned)) return;
    this.#pin.setAttribute("aria-pressed", String(pinned));
    relabel(this.#pin, "pin", t(pinned ? "tile.unpin" : "tile.pin", { name }));
  }

  /** Figures of the connection over the picture; none with an empty list. @param {string[]} lines */
  setDetails(lines) {
    show(this.#details, lines.length > 0);
    this.#details.textContent = lines.join("\n");
  }

  /** For some seconds. @param {SVGElement} picture */
  react(picture) {
    clearTimeout(this.#reacted);
    this.#reaction.replaceChildren(picture);
    show(this.#reaction, true);
    this.#reacted = setTimeout(() => show(this.#reaction, false), REACTION_MS);
  }

  /** @param {{x: number, y: number, width: number, height: number} | null} box  null: not shown now
   *  @param {{above?: boolean}} [how]  over another tile */
  place(box, { above = false } = {}) {
    const { style, classList } = this.element;
    show(this.element, box !== null);
    if (!box) return classList.remove("placed");
    style.transform = `translate(${box.x}px, ${box.y}px)`;
    style.width = `${box.width}px`;
    style.height = `${box.height}px`;
    classList.toggle("small", box.width < SMALL_PX);
    classList.toggle("above", above);
    if (!classList.contains("placed")) requestAnimationFrame(() => classList.add("placed")); // moves from now on, not to here
  }

  close() {
    clearTimeout(this.#reacted);
    this.#video.srcObject = null;
    this.element.remove();
  }

  #playing() {
    if (this.#stream && this.#video.videoWidth > 0) this.element.classList.add("playing");
  }
}
