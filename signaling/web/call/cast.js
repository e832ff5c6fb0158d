// Who is to be seen: turns the state of a meeting into a list of tile descriptions, in a stable order. Pure.

import { t } from "../ui/i18n.js";

const CAMERAS = new Set(["camera", "unknown"]); // WHIP publishers say no source

/**
 * [{key, participant, name, caption, screen, self, stream, muted, speaking, hand, hands, quality, admin}]: oneself first, then in order
 * of arrival; a screen comes before its owner. `hand` is the place among the `hands` raised, 0 for none; `quality` 0 to 3.
 */
export function cast(meeting, own) {
  const slots = meeting.slots();
  const streamOf = (track) => slots.find((slot) => slot.track === track?.id)?.stream ?? null;
  const speaking = new Set(meeting.speakers);
  const marksOf = (id) => ({ hand: meeting.hands.indexOf(id) + 1, hands: meeting.hands.length, quality: own.levels.get(id) ?? 0 });
  const list = [];
  if (meeting.self) list.push(...ownTiles(meeting, own, speaking, marksOf));
  for (const { id, name, admin, tracks } of meeting.participants.values()) {
    const all = [...tracks.values()];
    const screen = all.find(({ source, kind }) => source === "screen" && kind === "video");
    const camera = all.find(({ source, kind }) => kind === "video" && CAMERAS.has(source));
    const voice = all.find(({ source, kind }) => kind === "audio" && source !== "screen_audio");
    const common = { participant: id, name, self: false };
    if (screen) {
      list.push({
        ...common,
        key: `${id}/screen`,
        caption: t("tile.screen", { name }),
        screen: true,
        stream: streamOf(screen),
        muted: false,
        speaking: false,
      });
    }
    list.push({
      ...common,
      key: id,
      caption: name,
      screen: false,
      admin,
      orders: Boolean(meeting.self?.admin),
      stream: camera && !camera.muted ? streamOf(camera) : null,
      muted: !voice || voice.muted,
      speaking: speaking.has(id),
      ...marksOf(id),
    });
  }
  return list;
}

function ownTiles(meeting, own, speaking, marksOf) {
  const { id, name } = meeting.self;
  const common = { participant: id, name, self: true };
  const camera = {
    ...common,
    key: id,
    caption: t("nameYou", { name }),
    screen: false,
    admin: Boolean(meeting.self.admin),
    stream: own.cameraStream,
    muted: !own.microphoneOn,
    speaking: speaking.has(id),
    ...marksOf(id),
  };
  if (!own.screenStream) return [camera];
  const screen = { ...common, key: `${id}/screen`, caption: t("tile.yourScreen"), screen: true, stream: own.screenStream };
  return [{ ...screen, muted: false, speaking: false }, camera];
}
