// Before the meeting: look into the mirror, choose devices, say a name. Shows why joining failed and stays.

import { h, icon, show } from "../ui/dom.js";
import { t } from "../ui/i18n.js";
import { explain, needsInvitation } from "../ui/problem.js";
import { remember, settings } from "../ui/settings.js";
import { DevicePicker } from "./devices.js";
import { brand } from "./home.js";
import { Preview } from "./preview.js";

export class LobbyView {
  #preview;
  #devices;
  #name;
  #nameProblem;
  #problem;
  #button;
  #form;
  #waiting;
  #join;
  #home;

  /** @param {{room: string, local: LocalMedia, join: (name: string, waits: () => void) => Promise<void>, cancel: () => void,
   *  home: () => void}} options
   *  join calls `waits` when somebody has to let one in; cancel ends that; home is the way where this invitation leads nowhere */
  constructor({ room, local, join, cancel, home }) {
    this.#home = home;
    this.#join = join;
    this.#preview = new Preview(local);
    this.#devices = new DevicePicker(local);
    this.#name = h("input", {
      id: "name",
      name: "name",
      autocomplete: "name",
      maxLength: 64,
      value: settings.name,
      placeholder: t("lobby.namePlaceholder"),
      "aria-describedby": "name-problem",
    });
    this.#nameProblem = h("p", { class: "field-problem", id: "name-problem", role: "alert" });
    this.#problem = h("div", { class: "notice problem", role: "alert", hidden: true });
    this.#button = h("button", { type: "submit", class: "primary large" }, t("lobby.join"));
    const place = () => h("p", { class: "lobby-room" }, h("span", {}, t("lobby.room")), " ", h("strong", {}, room));
    this.#form = h(
      "form",
      { class: "lobby-form", onsubmit: (event) => this.#submit(event) },
      h("h1", {}, t("lobby.title")),
      place(),
      this.#problem,
      h("label", { htmlFor: "name" }, t("lobby.name")),
      this.#name,
      this.#nameProblem,
      this.#button,
    );
    this.#waiting = h(
      "section",
      { class: "lobby-form lobby-waiting", hidden: true },
      h("h1", { tabIndex: -1 }, h("span", { class: "waiting-mark" }, icon("clock")), t("lobby.waiting")),
      place(),
      h("p", { role: "status" }, t("lobby.waitingText")),
      h("button", { type: "button", class: "secondary large", onclick: cancel }, t("lobby.waitingEnd")),
    );
    this.element = h(
      "main",
      { class: "lobby" },
      h("header", { class: "lobby-head" }, brand()),
      h("section", { class: "lobby-mirror" }, this.#preview.element, this.#devices.element),
      this.#form,
      this.#waiting,
    );
  }

  shown() {
    if (!settings.name) this.#name.focus();
  }

  close() {
    this.#preview.close();
    this.#devices.close();
  }

  async #submit(event) {
    event.preventDefault();
    const name = this.#name.value.trim();
    this.#nameProblem.textContent = name ? "" : t("lobby.nameMissing");
    if (!name) return this.#name.focus();
    remember({ name });
    this.#busy(true);
    try {
      await this.#join(name, () => this.#wait(true));
    } catch (error) {
      this.#wait(false);
      this.#busy(false);
      if (error.code === "closed" && !error.fatal) this.#button.focus(); // one's own decision
      else this.#show(error);
    }
  }

  #wait(on) {
    show(this.#form, !on);
    show(this.#waiting, on);
    if (on) this.#waiting.querySelector("h1").focus();
  }

  #busy(busy) {
    this.#button.disabled = busy;
    this.#button.textContent = t(busy ? "lobby.joining" : "lobby.join");
    if (busy) show(this.#problem, false);
  }

  #show(error) {
    const { title, text } = explain(error);
    const home = needsInvitation(error.code) && h("button", { type: "button", class: "secondary compact", onclick: this.#home }, t("end.home"));
    this.#problem.replaceChildren(icon("warning"), h("div", {}, h("strong", {}, title), h("span", {}, text), home));
    show(this.#problem, true);
  }
}
