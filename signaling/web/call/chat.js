// The chat: messages in groups by author, links made clickable, a field to write in. Keeps what was said in this page.

import { h, icon } from "../ui/dom.js";
import { clock, t } from "../ui/i18n.js";

const LONGEST = 4_000; // characters; the server's limit
const MOST_MESSAGES = 500;
const GROUP_MS = 3 * 60_000;
const NEAR_END_PX = 80;
const LINK = /https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]}']/g;

export class Chat {
  #list = h("ol", {});
  #scroller = h("div", { class: "chat-list", role: "log", "aria-label": t("chat.title"), tabIndex: 0 }, this.#list);
  #empty = h("p", { class: "panel-hint" }, t("chat.empty"));
  #field;
  #button;
  #state = h("p", { class: "chat-state", role: "status" });
  #send;
  #last = null; // {from, at, element}

  /** @param {{send: (text: string) => boolean, allowed: boolean}} options */
  constructor({ send, allowed }) {
    this.#send = send;
    this.#field = h("textarea", {
      id: "chat-text",
      rows: 1,
      maxLength: LONGEST,
      placeholder: t("chat.label"),
      disabled: !allowed,
      onkeydown: (event) => this.#key(event),
      oninput: () => this.#fit(),
    });
    this.#button = h("button", { type: "submit", class: "round accent", title: t("chat.send"), "aria-label": t("chat.send") }, icon("send"));
    const submit = (event) => (event.preventDefault(), this.#submit());
    this.element = h(
      "div",
      { class: "chat" },
      this.#empty,
      this.#scroller,
      this.#state,
      h("form", { class: "chat-form", onsubmit: submit }, h("label", { class: "hidden-text", htmlFor: "chat-text" }, t("chat.label")), this.#field, this.#button),
    );
    if (!allowed) this.#state.textContent = t("chat.forbidden");
    this.#button.disabled = !allowed;
  }

  focus() {
    this.#field.focus({ preventScroll: true });
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  setOpen(open) {
    if (!this.#field.disabled) this.#state.textContent = open ? "" : t("chat.closed");
  }

  add({ from, name, text, at, own }) {
    const stay = this.#scroller.scrollHeight - this.#scroller.scrollTop - this.#scroller.clientHeight > NEAR_END_PX;
    this.#empty.remove();
    const bubble = h("p", { class: "chat-text" }, linked(text));
    const follows = this.#last?.from === from && at - this.#last.at < GROUP_MS;
    if (follows) {
      this.#last.element.append(bubble);
      this.#last.at = at;
    } else {
      const time = h("time", { dateTime: new Date(at).toISOString() }, clock(at));
      const head = h("p", { class: "chat-head" }, h("strong", {}, own ? t("you") : name), " ", time);
      const element = h("li", { class: own ? "chat-group own" : "chat-group" }, head, bubble);
      this.#list.append(element);
      this.#last = { from, at, element };
    }
    while (this.#list.children.length > MOST_MESSAGES) this.#list.firstChild.remove();
    if (!stay || own) this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  #key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.#submit();
  }

  #submit() {
    const text = this.#field.value.trim();
    if (!text) return;
    const sent = this.#send(text);
    this.#state.textContent = sent ? "" : t("chat.failed");
    if (!sent) return;
    this.#field.value = "";
    this.#fit();
    this.#field.focus();
  }

  #fit() {
    this.#field.style.height = "auto";
    this.#field.style.height = `${this.#field.scrollHeight}px`;
  }
}

/** Text nodes and links; never HTML. */
function linked(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    parts.push(text.slice(end, match.index), h("a", { href: match[0], target: "_blank", rel: "noopener noreferrer" }, match[0]));
    end = match.index + match[0].length;
  }
  return [...parts, text.slice(end)];
}
