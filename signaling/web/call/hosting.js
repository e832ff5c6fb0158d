// Order in the room, as people see it: who waits at the door, what a host asked or did, what is allowed now. It owns the panel
// of the room's options, and says everything plainly once.

import { announce } from "../ui/dom.js";
import { t } from "../ui/i18n.js";
import { ask, notify } from "../ui/toast.js";
import { RoomPanel } from "./room.js";

const SCREENS = new Set(["screen", "screen_audio"]);

export class Hosting {
  #meeting;
  #local;
  #view;
  #waiting = new Set(); // ids that were told
  #watching = false;

  /** @param {{banner: Banner, people: People, showPeople: () => void}} view */
  constructor(meeting, local, view) {
    this.#meeting = meeting;
    this.#local = local;
    this.#view = view;
    this.panel = new RoomPanel(meeting.order);
    this.waitingChanged();
  }

  roomChanged() {
    this.panel.update(this.#meeting.order.state);
  }

  /** @param {boolean} before  whether one was a host */
  permitted(before) {
    if (this.#meeting.self.admin && !before) this.#say("call.host", {}, "shield");
    if (!this.#meeting.self.admin) this.#view.banner.set("waiting", null);
  }

  /** One is asked by name, more are counted; the banner stays until nobody waits. */
  waitingChanged() {
    const { order } = this.#meeting;
    const { waiting } = order;
    const { banner, people, showPeople } = this.#view;
    people.setWaiting(waiting);
    const one = waiting.length === 1;
    const text = one ? t("waiting.one", { name: waiting[0].name }) : t("waiting.many", { count: waiting.length });
    const button = one
      ? { text: t("waiting.admit"), action: () => order.admit([waiting[0].id]) }
      : { text: t("waiting.show"), action: showPeople };
    banner.set("waiting", waiting.length && !this.#watching ? text : null, button);
    if (waiting.some(({ id }) => !this.#waiting.has(id))) announce(text);
    this.#waiting = new Set(waiting.map(({ id }) => id));
  }

  /** @param {boolean} watching  whether the list of those who wait is open: then the banner would only say it twice */
  watching(watching) {
    if (watching === this.#watching) return;
    this.#watching = watching;
    this.waitingChanged();
  }

  asked({ source, muted, by }) {
    const device = this.#local[source];
    if (!device || device.on === !muted || (!muted && !this.#meeting.may(source))) return;
    const key = `${source}${muted ? "Off" : "On"}`;
    const action = () => (muted ? this.#local.turnOff(source) : this.#local.turnOn(source));
    const refuse = () => this.#meeting.order.decline({ source, muted, by });
    const text = t(`asked.${key}`, { name: this.#nameOf(by) });
    ask(text, { iconName: source === "camera" ? "camera" : "mic", yes: t(`asked.${key}.yes`), action, refuse });
  }

  /** Whom one has asked will not. */
  declined({ participant, source, muted }) {
    const device = this.#local[source];
    if (device) this.#say(`declined.${source}${muted ? "Off" : "On"}`, { name: this.#nameOf(participant) }, source === "camera" ? "camera" : "mic");
  }

  muted({ source, by }) {
    if (source === "screen_audio") return;
    const what = SCREENS.has(source) ? "screen" : source;
    this.#say(by ? `muted.${what}` : `muted.${what}.room`, { name: this.#nameOf(by) }, what === "microphone" ? "mic-off" : `${what}-off`);
  }

  #nameOf(id) {
    return this.#meeting.participants.get(id)?.name ?? t("people.host");
  }

  #say(key, values, iconName) {
    notify(t(key, values), iconName);
  }
}
