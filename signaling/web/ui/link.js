// The link to a meeting: without the token of whoever copies it.

import { t } from "./i18n.js";
import { notify, warn } from "./toast.js";

const address = () => `${location.origin}${location.pathname}`;

/** Native sharing on touch devices, the clipboard elsewhere. */
export async function invite(room) {
  const url = address();
  if (navigator.share && matchMedia("(pointer: coarse)").matches) {
    try {
      return await navigator.share({ title: room, url });
    } catch (error) {
      if (error.name === "AbortError") return undefined;
    }
  }
  try {
    await navigator.clipboard.writeText(url);
    return notify(t("call.copied"), "check");
  } catch {
    return warn(t("call.copyFailed", { link: url }));
  }
}
