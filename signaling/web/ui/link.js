// The link to a meeting: without the token of whoever passes it on.

import { t } from "./i18n.js";
import { notify, warn } from "./toast.js";

const address = () => `${location.origin}${location.pathname}`;

export const canSend = () => typeof navigator.share === "function";

export async function copyLink() {
  try {
    await navigator.clipboard.writeText(address());
    notify(t("call.copied"), "check");
  } catch {
    warn(t("call.copyFailed", { link: address() }));
  }
}

/** By whatever programs the system offers. */
export async function sendLink(room) {
  try {
    await navigator.share({ title: room, url: address() });
  } catch (error) {
    if (error.name !== "AbortError") await copyLink(); // the person changed their mind
  }
}
