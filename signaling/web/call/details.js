// Figures of the connection in words: one line for each stream. Pure.

import { t } from "../ui/i18n.js";

/** "VP8 · 1280×720 · 30/s · 1.2 Mbit/s · …" of one entry of a summary; see client/stats.js. */
export function describe({ codec, kbps, width, height, fps, lossPercent, jitterMs }) {
  const rate = kbps >= 1000 ? `${(kbps / 1000).toFixed(1)} Mbit/s` : `${kbps} kbit/s`;
  const parts = [codec, width ? `${width}×${height}` : null, fps ? `${fps}/s` : null, rate];
  if (jitterMs !== undefined) parts.push(t("stats.jitter", { ms: jitterMs }));
  if (lossPercent >= 0.1) parts.push(t("stats.loss", { percent: lossPercent.toFixed(1) }));
  return parts.filter(Boolean).join(" · ");
}

/** How packets travel: by relay, over TCP, or over UDP; and to whom. */
export function pathText({ local, remote, protocol, direct }) {
  const way = local === "relay" || remote === "relay" ? t("path.relay") : (protocol ?? "").toUpperCase();
  return [t(direct ? "path.direct" : "path.server"), way].join(" · ");
}

/** Tile key → lines, for everybody who sends or is received. @param {{path, sent, received}} stats */
export function tileDetails({ path, sent, received }, meeting) {
  const lines = new Map();
  const add = (key, line) => lines.set(key, [...(lines.get(key) ?? []), line]);
  if (path) add(meeting.self.id, `${pathText(path)} · ${path.rttMs} ms`);
  for (const entry of sent) if (entry.kbps) add(entry.source.startsWith("screen") ? `${meeting.self.id}/screen` : meeting.self.id, describe(entry));
  for (const entry of received) {
    const source = meeting.participants.get(entry.participant)?.tracks.get(entry.track)?.source ?? "";
    add(source.startsWith("screen") ? `${entry.participant}/screen` : entry.participant, describe(entry));
  }
  return lines;
}
