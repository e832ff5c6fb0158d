// An error as words: a title, a sentence what to do.

import { has, t } from "./i18n.js";

/** @param {{code: string, message: string}} error */
export function explain({ code, message }) {
  const key = `error.${code}`;
  if (!has(key)) return { title: t("error.unknown"), text: t("error.unknown.text", { message: message || code }) };
  return { title: t(key), text: t(`${key}.text`) };
}

const SHUT = new Set(["token_expired", "invalid_token", "token_required"]);

/** Whether nothing but another invitation helps. */
export const needsInvitation = (code) => SHUT.has(code);
