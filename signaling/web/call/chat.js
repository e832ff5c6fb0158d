// The chat panel: messages in groups by author and reader, the files on their way, a field to write in, files dropped on it.
// Keeps what was said in this page.

import { confirm } from "../ui/dialog.js";
import { h, icon, show } from "../ui/dom.js";
import { clock, has, t } from "../ui/i18n.js";
import { Composer } from "./composer.js";
import { Message } from "./message.js";
import { Uploads } from "./uploads.js";

const MOST_MESSAGES = 500;
const GROUP_MS = 3 * 60_000;
const NEAR_END_PX = 80;

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
  #messages = []; // oldest first
  #unsure = new Map(); // reference → {message, again: what to send once more}: the server has not sent these back
  #meeting;

  /** @param {Meeting} meeting  of the client module */
  constructor(meeting) {
    this.#meeting = meeting;
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

  /** Whether one may take back what others wrote. */
  setHost(host) {
    this.element.classList.toggle("host", host);
  }

  /** The server did not take a message, or says nothing: it is marked where it stands. @param {{code: string, ref?: string}} problem */
  failed({ code, ref }) {
    const text = t(has(`chat.failed.${code}`) ? `chat.failed.${code}` : "chat.failed");
    const unsure = this.#unsure.get(ref);
    if (!unsure) return void (this.#state.textContent = text);
    const { message, again } = unsure;
    const retry = () => {
      if (this.#say(again.text, { ...again, ref })) message.sending();
      this.#composer.focus();
    };
    return message.failed(text, retry);
  }

  /** The server has a message of one's own. */
  sent({ ref, id }) {
    this.#unsure.get(ref)?.message.sent(id);
    this.#unsure.delete(ref);
  }

  /** Its author or a host has taken a message back. @param {{id: string, by: string}} what */
  retracted({ id, by }) {
    const message = this.#messages.find((one) => one.id === id);
    if (!message) return;
    const focused = message.element.contains(document.activeElement);
    message.retracted(t(by === message.from ? "chat.removed" : "chat.removedByHost"));
    if (focused) this.#scroller.focus();
  }

  /** @param {{id, from, name, text, at, own, to, file, ref}} what  @param {string | null} reader  the name, of a private one */
  add(what, reader) {
    const { text, own, to, file, ref } = what;
    const stay = this.#scroller.scrollHeight - this.#scroller.scrollTop - this.#scroller.clientHeight > NEAR_END_PX;
    this.#empty.remove();
    const message = new Message(what, () => this.#remove(message));
    this.#messages.push(message);
    if (own && ref) this.#unsure.set(ref, { message, again: { text, to, file } });
    this.#group(what, reader).append(message.element);
    while (this.#messages.length > MOST_MESSAGES) this.#forget(this.#messages.shift());
    if (!stay || own) this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  /** What one person writes to the same readers within some minutes stands together. */
  #group({ from, name, at, own, to }, reader) {
    const last = this.#last;
    if (last?.from === from && last.to === to && at - last.at < GROUP_MS && this.#list.contains(last.element)) {
      last.at = at;
      return last.element;
    }
    const time = h("time", { dateTime: new Date(at).toISOString() }, clock(at));
    const secret = to && h("span", { class: "chat-private" }, icon("lock"), own ? t("chat.privateTo", { name: reader }) : t("chat.private"));
    const head = h("p", { class: "chat-head" }, h("strong", { dir: "auto" }, own ? t("you") : name), " ", time, secret);
    const element = h("li", { class: own ? "chat-group own" : "chat-group" }, head);
    this.#list.append(element);
    this.#last = { from, to, at, element };
    return element;
  }

  #forget({ element, ref }) {
    this.#unsure.delete(ref);
    const group = element.parentElement;
    element.remove();
    if (!group?.querySelector(".chat-bubble")) group?.remove();
  }

  async #remove({ id }) {
    const question = { title: t("chat.removeTitle"), text: t("chat.removeText"), yes: t("chat.removeYes") };
    if (await confirm(question)) this.#meeting.order.retract(id);
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
