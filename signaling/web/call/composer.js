// The lower end of the chat: to whom, what, a file with it. It calls back and knows no meeting.

import { h, icon, iconButton, relabel, show } from "../ui/dom.js";
import { fileSize, t } from "../ui/i18n.js";

const LONGEST = 4_000; // characters; the server's limit

export class Composer {
  #send;
  #to = h("select", { id: "chat-to", onchange: () => this.#label() });
  #toLine = h("div", { class: "chat-to", hidden: true }, h("label", { htmlFor: "chat-to" }, t("chat.to")), this.#to);
  #field;
  #button;
  #clip;
  #picker;

  /** @param {{send: (text: string, to: string | null) => boolean, sendFiles: (files: File[], to: string | null) => void}} actions */
  constructor({ send, sendFiles }) {
    this.#send = send;
    this.#field = h("textarea", {
      id: "chat-text",
      rows: 1,
      placeholder: t("chat.placeholder"),
      maxLength: LONGEST,
      onkeydown: (event) => this.#key(event),
      oninput: () => this.#fit(),
    });
    this.#picker = h("input", { type: "file", multiple: true, hidden: true, "aria-label": t("file.choose") });
    this.#picker.addEventListener("change", () => {
      sendFiles([...this.#picker.files], this.to);
      this.#picker.value = "";
    });
    this.#clip = iconButton("clip", t("file.choose"), () => this.#picker.click(), { class: "round plain", hidden: true });
    this.#button = h("button", { type: "submit", class: "round accent", title: t("chat.send"), "aria-label": t("chat.send") }, icon("send"));
    const submit = (event) => (event.preventDefault(), this.#submit());
    this.element = h(
      "form",
      { class: "chat-form", onsubmit: submit },
      this.#toLine,
      h("div", { class: "chat-line" }, this.#clip, this.#field, this.#button, this.#picker),
    );
    this.#label();
  }

  /** Participant id, or null for everybody. */
  get to() {
    return this.#to.value || null;
  }

  focus() {
    this.#field.focus({ preventScroll: true });
  }

  allow(allowed) {
    this.#field.disabled = this.#button.disabled = this.#clip.disabled = !allowed;
  }

  /** @param {number} most  bytes of a file; 0: none can be sent */
  offerFiles(most) {
    show(this.#clip, most > 0);
    if (most) relabel(this.#clip, "clip", t("file.chooseMost", { most: fileSize(most) }));
  }

  /** @param {{id: string, name: string}[]} people  the others */
  setPeople(people) {
    const key = people.map(({ id, name }) => `${id} ${name}`).join("\n");
    if (this.#to.dataset.people === key) return;
    this.#to.dataset.people = key;
    const chosen = this.#to.value;
    const options = people.map(({ id, name }) => h("option", { value: id }, name));
    this.#to.replaceChildren(h("option", { value: "" }, t("chat.everybody")), ...options);
    this.#to.value = people.some(({ id }) => id === chosen) ? chosen : "";
    show(this.#toLine, people.length > 0);
    this.#label();
  }

  /** From now on to this person alone. */
  writeTo(id) {
    this.#to.value = id;
    this.#label();
    this.focus();
  }

  #label() {
    const name = this.to && this.#to.selectedOptions[0]?.textContent;
    const text = name ? t("chat.labelTo", { name }) : t("chat.label");
    this.#field.setAttribute("aria-label", text);
    this.element.classList.toggle("private", Boolean(this.to));
  }

  #key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.#submit();
  }

  #submit() {
    const text = this.#field.value.trim();
    if (!text || !this.#send(text, this.to)) return;
    this.#field.value = "";
    this.#fit();
    this.#field.focus();
  }

  #fit() {
    this.#field.style.height = "auto";
    this.#field.style.height = `${this.#field.scrollHeight}px`;
  }
}
