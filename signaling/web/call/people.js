// The list of who is here, raised hands first, and, for hosts, of who waits at the door.

import { h, iconButton, show } from "../ui/dom.js";
import { t } from "../ui/i18n.js";
import { Person } from "./person.js";

export class People {
  #count = h("p", { class: "panel-hint" });
  #list = h("ul", { class: "people" });
  #rows = new Map(); // participant id → Person
  #waiting = h("ul", { class: "people" });
  #ways;
  #door;
  #actions;

  /** @param {{orders: (id: string, button: HTMLElement) => void, admit: (ids?: string[]) => void, refuse: (ids?: string[]) => void}} actions */
  constructor(actions) {
    this.#actions = actions;
    const all = (key, action) => h("button", { type: "button", class: "secondary compact", onclick: () => action() }, t(key));
    this.#ways = h("div", { class: "door-ways" }, all("waiting.refuseAll", actions.refuse), all("waiting.admitAll", actions.admit));
    this.#door = h("section", { class: "door", hidden: true }, h("h3", {}, t("waiting.title")), this.#waiting, this.#ways);
    this.element = h("div", { class: "people-panel", tabIndex: -1 }, this.#door, this.#count, this.#list);
  }

  /** @param {object[]} cast  see cast.js */
  update(cast) {
    const people = cast.filter(({ screen }) => !screen);
    this.#count.textContent = t("people.count", { count: people.length });
    const first = people.filter(({ hand }) => hand).sort((a, b) => a.hand - b.hand);
    const sorted = [...first, ...people.filter(({ hand }) => !hand)];
    const present = new Set(people.map(({ participant }) => participant));
    for (const [id, row] of this.#rows) {
      if (present.has(id)) continue;
      row.element.remove();
      this.#rows.delete(id);
    }
    sorted.forEach((entry, index) => this.#row(entry, index));
  }

  /** @param {{id: string, name: string, removed: boolean}[]} waiting */
  setWaiting(waiting) {
    const focused = this.#door.contains(document.activeElement) ? document.activeElement : null;
    show(this.#door, waiting.length > 0);
    show(this.#ways, waiting.length > 1);
    this.#waiting.replaceChildren(...waiting.map((one) => this.#waiter(one)));
    if (focused && !focused.checkVisibility()) this.#refocus(focused.getAttribute("aria-label"));
  }

  /** A button that had the focus is gone: to the same one made anew, else the next one, else the panel. */
  #refocus(label) {
    const buttons = [...this.#waiting.querySelectorAll("button")];
    (buttons.find((button) => button.getAttribute("aria-label") === label) ?? buttons[0] ?? this.element).focus();
  }

  /** Rows stay where they are as long as they can: one of their buttons may have the focus. */
  #row(entry, index) {
    let row = this.#rows.get(entry.participant);
    if (!row) {
      row = new Person(entry, (button) => this.#actions.orders(entry.participant, button));
      this.#rows.set(entry.participant, row);
    }
    row.update(entry);
    if (this.#list.children[index] !== row.element) this.#list.insertBefore(row.element, this.#list.children[index] ?? null);
  }

  #waiter({ id, name, removed }) {
    const about = removed ? h("span", { class: "person-role" }, t("waiting.removed")) : null;
    const admit = h("button", { type: "button", class: "primary compact", onclick: () => this.#actions.admit([id]) }, t("waiting.admit"));
    admit.setAttribute("aria-label", t("waiting.admitName", { name }));
    const refuse = iconButton("close", t("waiting.refuse", { name }), () => this.#actions.refuse([id]), { class: "round plain" });
    return h("li", { class: "person" }, h("span", { class: "person-names" }, h("span", { class: "person-name" }, name), about), admit, refuse);
  }
}
