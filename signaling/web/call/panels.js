// What the side panel can show: chat, people, statistics, devices, keys, the room. Makes what needs making when it is opened first.
//
// Events: "change" (another one is open, or none).

import { t } from "../ui/i18n.js";
import { DevicePicker } from "../views/devices.js";
import { Panel } from "./panel.js";
import { Shortcuts } from "./shortcuts.js";
import { StatsPanel } from "./stats.js";

const IDS = ["chat", "people", "stats", "settings", "keys", "room"];

export class Panels extends EventTarget {
  #panel = new Panel();
  #contents;
  #buttons;
  #devices = null;
  #stats = null;

  /**
   * @param {{meeting: Meeting, local: LocalMedia, pulse: Pulse, chat: object, people: People, room: RoomPanel,
   *   speakerChosen: () => void, deviceChanged: () => void}} contents  and what they report
   * @param {Buttons} buttons  that open them
   */
  constructor(contents, buttons) {
    super();
    this.#contents = contents;
    this.#buttons = buttons;
    this.#panel.addEventListener("change", () => this.#changed());
  }

  get element() {
    return this.#panel.element;
  }

  /** The id of what is open, or null. */
  get open() {
    return this.#panel.open;
  }

  toggle(id) {
    if (this.open === id) this.#panel.hide();
    else this.show(id);
  }

  show(id) {
    const { meeting, pulse, chat, people, room } = this.#contents;
    if (id === "chat") return this.#panel.show(id, t("chat.title"), chat);
    if (id === "people") return this.#panel.show(id, t("people.title"), people);
    if (id === "stats") return this.#panel.show(id, t("stats.title"), (this.#stats ??= new StatsPanel(meeting, pulse)));
    if (id === "keys") return this.#panel.show(id, t("control.keys"), new Shortcuts());
    if (id === "room") return this.#panel.show(id, t("control.room"), room);
    return this.#panel.show(id, t("device.title"), (this.#devices ??= this.#makeDevices()));
  }

  hide(id) {
    if (this.open === id) this.#panel.hide();
  }

  close() {
    this.#devices?.close();
    this.#stats?.close();
  }

  #makeDevices() {
    const { local, speakerChosen, deviceChanged } = this.#contents;
    return new DevicePicker(local, { more: true, onSpeaker: speakerChosen, onChange: deviceChanged });
  }

  #changed() {
    for (const id of IDS) this.#buttons.setOpen(id, this.open === id);
    if (this.open !== "stats") {
      this.#stats?.close();
      this.#stats = null;
    }
    this.dispatchEvent(new Event("change"));
  }
}
