// Files on their way to the server: a line each, with how far it is and a way to stop it.

import { h, iconButton } from "../ui/dom.js";
import { fileSize, t } from "../ui/i18n.js";
import { explain } from "../ui/problem.js";
import { warn } from "../ui/toast.js";

export class Uploads {
  element = h("ul", { class: "uploads" });
  #meeting;
  #sent;
  #work = Promise.resolve(); // one after the other

  /** @param {(file: object, to: string | null) => void} sent */
  constructor(meeting, sent) {
    this.#meeting = meeting;
    this.#sent = sent;
  }

  /** @param {File[]} files */
  send(files, to) {
    const most = this.#meeting.limits.file_bytes ?? 0;
    for (const file of files) {
      if (file.size > most) warn(t("file.tooLarge", { name: file.name, most: fileSize(most) }));
      else this.#one(file, to);
    }
  }

  async #one(file, to) {
    const stop = new AbortController();
    const bar = h("progress", { max: 1, value: 0, "aria-label": t("file.sending", { name: file.name }) });
    const cancel = iconButton("close", t("file.cancel", { name: file.name }), () => stop.abort(), { class: "round plain" });
    const line = h("li", { class: "upload" }, h("span", { class: "file-name" }, file.name), bar, cancel);
    this.element.append(line);
    const turn = this.#work;
    let done = null;
    this.#work = new Promise((resolve) => (done = resolve));
    await turn;
    try {
      stop.signal.throwIfAborted();
      const kept = await this.#meeting.upload(file, { onProgress: (share) => (bar.value = share), signal: stop.signal });
      this.#sent(kept, to);
    } catch (error) {
      if (!stop.signal.aborted) warn(`${t("file.failed", { name: file.name })} ${explain(error).title}`);
    } finally {
      line.remove();
      done();
    }
  }
}
