// One picture in a small window above other programs: with buttons where the browser lends a whole window, else the picture alone.
//
// Events: "change" (it opened or closed).

import { h, iconButton, relabel } from "../ui/dom.js";
import { t } from "../ui/i18n.js";
import { Tile } from "./tile.js";

const SIZE = { width: 384, height: 248 };
const BUTTONS = { microphone: ["mic", "control.mute", "control.unmute"], camera: ["camera", "control.cameraOff", "control.cameraOn"] };

export class Pip extends EventTarget {
  #press;
  #window = null;
  #video = null;
  #tile = null;
  #key = null;
  #buttons = {};
  #stage = h("ul", { class: "pip-stage" });

  /** @param {(id: string) => void} press  of a button: "microphone", "camera" */
  constructor(press) {
    super();
    this.#press = press;
  }

  static get possible() {
    return "documentPictureInPicture" in globalThis || Boolean(document.pictureInPictureEnabled);
  }

  get open() {
    return Boolean(this.#window ?? this.#video);
  }

  /** To be called from a click. @param {HTMLVideoElement | null} video  for browsers that lend no window */
  async show(video) {
    if ("documentPictureInPicture" in globalThis) return this.#openWindow();
    if (!video?.srcObject) return undefined;
    await video.requestPictureInPicture();
    this.#video = video;
    video.addEventListener("leavepictureinpicture", () => this.#closed(), { once: true });
    return this.#changed();
  }

  close() {
    this.#window?.close();
    if (document.pictureInPictureElement) document.exitPictureInPicture().catch(() => {}); // it has closed meanwhile
    if (this.open) this.#closed();
  }

  /** @param {object | null} entry  of the cast  @param {{microphone: boolean, camera: boolean, mirrored: boolean}} state */
  update(entry, { mirrored, ...on }) {
    if (!this.#window || !entry) return;
    if (entry.key !== this.#key) {
      this.#tile?.close();
      this.#tile = new Tile({ ...entry, onPin: () => {}, onOrders: () => {} });
      this.#key = entry.key;
      this.#stage.replaceChildren(this.#tile.element);
    }
    this.#tile.setCaption(entry.caption);
    this.#tile.setStream(entry.stream);
    this.#tile.setMarks({ ...entry, mirrored, pinned: false, orders: false });
    for (const [id, [iconName, off, turnOn]] of Object.entries(BUTTONS)) {
      relabel(this.#buttons[id], on[id] ? iconName : `${iconName}-off`, t(on[id] ? off : turnOn));
      this.#buttons[id].classList.toggle("off", !on[id]);
    }
  }

  async #openWindow() {
    const opened = await documentPictureInPicture.requestWindow(SIZE);
    const own = opened.document;
    own.documentElement.lang = document.documentElement.lang;
    own.title = "Ciranda";
    for (const { href } of document.querySelectorAll('link[rel="stylesheet"]')) own.head.append(h("link", { rel: "stylesheet", href }));
    for (const id of Object.keys(BUTTONS)) this.#buttons[id] = iconButton(BUTTONS[id][0], "", () => this.#press(id), { class: "round control" });
    own.body.replaceChildren(h("main", { class: "pip" }, this.#stage, h("div", { class: "pip-bar" }, Object.values(this.#buttons))));
    opened.addEventListener("pagehide", () => this.#closed());
    this.#window = opened;
    this.#changed();
  }

  #closed() {
    this.#window = this.#video = this.#key = null;
    this.#tile?.close();
    this.#tile = null;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
