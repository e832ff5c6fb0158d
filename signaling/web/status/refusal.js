// Why the administration API did not answer, in the page's language. Pure.

import { t } from "../ui/i18n.js";
import { explain } from "../ui/problem.js";

const OWN_WORDS = new Set(["invalid_token", "token_expired", "not_found"]);

/** @param {{code?: string, message: string}} error  @param {{room: string | null, token: string}} asked  what was asked for, with what */
export function refusal(error, { room, token }) {
  if (!error.code) return t("error.unreachable.text");
  if (OWN_WORDS.has(error.code)) return t(`status.refused.${error.code}`);
  if (error.code === "permission_denied") return t(`status.refused.${token ? (room ? "room" : "server") : "away"}`);
  const { title, text } = explain(error);
  return `${title}. ${text}`;
}
