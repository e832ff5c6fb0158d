// One message of the chat as people see it: text with links, a file to fetch, how far it is, a way to take it back. Texts are text
// nodes, never HTML.

import { h, icon, iconButton, show } from "../ui/dom.js";
import { fileSize, t } from "../ui/i18n.js";
import { showByTap } from "./taps.js";

const LINK = /https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]}']/g;

const SLOW_MS = 600; // most messages are sent sooner, which nobody needs to see

export class Message {
  id; // the server's, null until it has the message
  from; // participant id
  ref; // by which the server's answer names it, of one's own
  #body;
  #line;
  #sending = h("span", { class: "chat-sending", role: "img", "aria-label": t("chat.sending"), title: t("chat.sending"), hidden: true }, icon("clock"));
  #remove;
  #failure = null;
  #slow = 0;

  /** @param {{id: string | null, from: string, ref?: string, text: string, file: {name: string, size: number, url: string} | null, own: boolean, name: string}} message
   *  @param {(message: Message) => void} onRemove */
  constructor({ id, from, ref = null, text, file, own, name }, onRemove) {
    Object.assign(this, { id, from, ref });
    const label = own ? t("chat.remove") : t("chat.removeOf", { name });
    this.#remove = iconButton("bin", label, () => onRemove(this), { class: "round plain chat-remove", hidden: !id });
    this.#body = h("div", { class: "chat-body" }, text ? h("p", { class: "chat-text", dir: "auto" }, linked(text)) : null, file && fileCard(file));
    this.#line = h("div", { class: "chat-message" }, this.#body, this.#sending, this.#remove);
    showByTap(this.#line);
    this.element = h("div", { class: "chat-bubble" }, this.#line);
    if (own && !id) this.sending();
  }

  /** Nobody knows yet whether the server has it. */
  sending() {
    this.#settle("sending");
    this.#slow = setTimeout(() => show(this.#sending, true), SLOW_MS);
  }

  /** The server has it. @param {string} id */
  sent(id) {
    this.#settle();
    this.id = id;
    show(this.#remove, true);
  }

  /** It went to nobody. @param {string} text  why  @param {() => void} retry */
  failed(text, retry) {
    this.#settle("failed");
    const again = h("button", { type: "button", class: "link", onclick: retry }, t("chat.retry"));
    this.#failure = h("p", { class: "chat-failed", role: "alert" }, icon("warning"), h("span", {}, text), again);
    this.element.append(this.#failure);
  }

  /** It is there no longer; a word stays in its place. */
  retracted(text) {
    this.element.replaceChildren(h("p", { class: "chat-gone" }, text));
  }

  #settle(state = "") {
    clearTimeout(this.#slow);
    this.#failure?.remove();
    show(this.#sending, false);
    for (const one of ["sending", "failed"]) this.element.classList.toggle(one, one === state);
  }
}

function fileCard({ name, size, url }) {
  const about = h("span", { class: "file-about" }, h("bdi", { class: "file-name" }, name), h("span", { class: "file-size" }, fileSize(size)));
  const label = t("file.download", { name, size: fileSize(size) });
  return h("a", { class: "file-card", href: safe(url), download: name, "aria-label": label, title: label }, icon("file"), about, icon("download"));
}

/** Only ever an address of the server that the page came from. */
function safe(url) {
  const address = new URL(url, document.baseURI);
  return address.origin === location.origin ? address.href : null;
}

function linked(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    parts.push(text.slice(end, match.index), h("a", { href: match[0], target: "_blank", rel: "noopener noreferrer" }, match[0]));
    end = match.index + match[0].length;
  }
  return [...parts, text.slice(end)];
}
