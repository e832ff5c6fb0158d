// The link to a meeting: without the token of whoever passes it on.

import { t } from "./i18n.js";
import { notify, warn } from "./toast.js";

const address = () => `${location.origin}${location.pathname}`;

export const canSend = () => typeof navigator.share === "function";

async function copy(link) {
  try {
    await navigator.clipboard.writeText(link);
    notify(t("call.copied"), "check");
  } catch {
    warn(t("call.copyFailed", { link }));
  }
}

export const copyLink = () => copy(address());

/** As it was opened: for another browser of the same person. */
export const copyInvitation = () => copy(location.href);

/** By whatever programs the system offers. */
export async function sendLink(room) {
  try {
    await navigator.share({ title: room, url: address() });
  } catch (error) {
    if (error.name !== "AbortError") await copyLink(); // the person changed their mind
  }
}
