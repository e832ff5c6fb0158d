// One message of the chat as people see it: text with links, a file to fetch. Texts are text nodes, never HTML.

import { h, icon } from "../ui/dom.js";
import { fileSize, t } from "../ui/i18n.js";

const LINK = /https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]}']/g;

/** @param {{text: string, file: {name: string, size: number, url: string} | null}} message */
export function bubble({ text, file }) {
  return h("div", { class: "chat-bubble" }, text ? h("p", { class: "chat-text", dir: "auto" }, linked(text)) : null, file && fileCard(file));
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
