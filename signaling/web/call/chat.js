// The chat panel: messages in groups by author and reader, the files on their way, a field to write in, files dropped on it.
// Keeps what was said in this page.

import { h, icon, show } from "../ui/dom.js";
import { clock, has, t } from "../ui/i18n.js";
import { Composer } from "./composer.js";
import { bubble } from "./message.js";
import { Uploads } from "./uploads.js";

const MOST_MESSAGES = 500;
const GROUP_MS = 3 * 60_000;
const NEAR_END_PX = 80;
const MOST_UNSURE = 50; // of one's own messages, that may still turn out not to be sent

export class Chat {
  #list = h("ol", {});
  #scroller = h("div", { class: "chat-list", role: "log", "aria-label": t("chat.title"), tabIndex: 0 }, this.#list);
  #empty = h("p", { class: "panel-hint" }, t("chat.empty"));
  #state = h("p", { class: "chat-state", role: "status" });
  #drop = h("div", { class: "chat-drop", hidden: true }, icon("clip"), h("span", {}, t("file.drop")));
  #uploads;
  #composer;
  #send;
  #allowed = true;
  #files = 0;
  #last = null; // {from, to, at, element}
  #unsure = new Map(); // reference → element

  /** @param {Meeting} meeting  of the client module */
  constructor(meeting) {
    this.#send = (text, more) => meeting.sendChat(text, more);
    this.#uploads = new Uploads(meeting, (file, to) => this.#say("", { file, to }));
    const sendFiles = (files, to) => this.#uploads.send(files, to);
    this.#composer = new Composer({ send: (text, to) => this.#say(text, { to }), sendFiles });
    this.element = h("div", { class: "chat" }, this.#empty, this.#scroller, this.#uploads.element, this.#state, this.#composer.element, this.#drop);
    this.#acceptFiles(sendFiles);
  }

  focus() {
    this.#composer.focus();
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  setOpen(open) {
    if (this.#allowed) this.#state.textContent = open ? "" : t("chat.closed");
  }

  /** @param {boolean} allowed  to write  @param {number} files  bytes of the largest file that can be sent, 0: none */
  allow(allowed, files) {
    this.#allowed = allowed;
    this.#files = allowed ? files : 0;
    this.#composer.allow(allowed);
    this.#composer.offerFiles(this.#files);
    this.#state.textContent = allowed ? "" : t("chat.forbidden");
  }

  setPeople(people) {
    this.#composer.setPeople(people);
  }

  writeTo(id) {
    this.#composer.writeTo(id);
  }

  /** The server did not take a message: it is marked where it stands. @param {{code: string, ref?: string}} problem */
  failed({ code, ref }) {
    const text = t(has(`chat.failed.${code}`) ? `chat.failed.${code}` : "chat.failed");
    const message = this.#unsure.get(ref);
    if (!message) return void (this.#state.textContent = text);
    this.#unsure.delete(ref);
    message.classList.add("failed");
    message.append(h("p", { class: "chat-failed", role: "alert" }, icon("warning"), text));
  }

  /** @param {{from, name, text, at, own, to, file}} message  @param {string | null} reader  the name, of a private one */
  add({ from, name, text, at, own, to, file, ref }, reader) {
    const stay = this.#scroller.scrollHeight - this.#scroller.scrollTop - this.#scroller.clientHeight > NEAR_END_PX;
    this.#empty.remove();
    const body = bubble({ text, file });
    if (own && ref) this.#unsure.set(ref, body);
    if (this.#unsure.size > MOST_UNSURE) this.#unsure.delete(this.#unsure.keys().next().value);
    const last = this.#last;
    if (last?.from === from && last.to === to && at - last.at < GROUP_MS) {
      last.element.append(body);
      last.at = at;
    } else {
      const time = h("time", { dateTime: new Date(at).toISOString() }, clock(at));
      const secret = to && h("span", { class: "chat-private" }, icon("lock"), own ? t("chat.privateTo", { name: reader }) : t("chat.private"));
      const head = h("p", { class: "chat-head" }, h("strong", { dir: "auto" }, own ? t("you") : name), " ", time, secret);
      const element = h("li", { class: own ? "chat-group own" : "chat-group" }, head, body);
      this.#list.append(element);
      this.#last = { from, to, at, element };
    }
    while (this.#list.children.length > MOST_MESSAGES) this.#list.firstChild.remove();
    if (!stay || own) this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  #say(text, more) {
    const sent = this.#send(text, more);
    this.#state.textContent = sent ? "" : t("chat.failed");
    return sent;
  }

  #acceptFiles(sendFiles) {
    const carriesFiles = ({ dataTransfer }) => this.#files > 0 && [...dataTransfer.types].includes("Files");
    this.element.addEventListener("dragover", (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      show(this.#drop, true);
    });
    this.element.addEventListener("dragleave", ({ relatedTarget }) => {
      if (!this.element.contains(relatedTarget)) show(this.#drop, false);
    });
    this.element.addEventListener("drop", (event) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      show(this.#drop, false);
      sendFiles([...event.dataTransfer.files], this.#composer.to);
    });
  }
}
