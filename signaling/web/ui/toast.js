// Short notices that go away by themselves; their host is a live region, so screen readers say them. A problem stays until it is
// read: its toast has a button.

import { h, icon, iconButton } from "./dom.js";
import { t } from "./i18n.js";

const NOTICE_MS = 4_000;
const PROBLEM_MS = 12_000;
const QUESTION_MS = 60_000;
const MOST = 3;

function place(text, { iconName, problem, duration }) {
  const host = document.getElementById("toasts");
  for (const old of host.children) if (old.dataset.text === text) old.remove();
  const toast = h("div", { class: problem ? "toast problem" : "toast", role: problem ? "alert" : null });
  toast.dataset.text = text;
  const close = () => toast.remove();
  toast.append(iconName ? icon(iconName) : "", h("span", { class: "toast-text" }, text));
  if (problem) toast.append(iconButton("close", t("close"), close));
  host.append(toast);
  while (host.children.length > MOST) (host.querySelector(".toast:not(.asks):not(:last-child)") ?? host.firstChild).remove();
  setTimeout(close, duration);
  return toast;
}

export function notify(text, iconName = null) {
  place(text, { iconName, problem: false, duration: NOTICE_MS });
}

export function warn(text) {
  place(text, { iconName: "warning", problem: true, duration: PROBLEM_MS });
}

/** A question of somebody else. @param {{iconName: string, yes: string, action: () => void, refuse: () => void}} answers */
export function ask(text, { iconName, yes, action, refuse }) {
  const toast = place(text, { iconName, problem: false, duration: QUESTION_MS });
  const button = (name, act, className = "") =>
    h("button", { type: "button", class: `toast-action ${className}`, onclick: () => (toast.remove(), act()) }, name);
  toast.append(button(yes, action), button(t("notNow"), refuse, "quiet"));
  toast.classList.add("asks");
}

export function clearToasts() {
  document.getElementById("toasts").replaceChildren();
}
