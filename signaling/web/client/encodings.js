// How a track is sent: simulcast layers for a camera, one layer for a screen. Pure.

const BITS = { audio: 48_000, screen: 2_500_000 };
const LAYERS = [
  { rid: "q", scaleResolutionDownBy: 4, maxBitrate: 160_000 },
  { rid: "h", scaleResolutionDownBy: 2, maxBitrate: 500_000 },
  { rid: "f", scaleResolutionDownBy: 1, maxBitrate: 1_700_000 },
];
const SMALLEST_LAYER_HEIGHT = 120; // a layer below this shows nothing worth its bits

/** sendEncodings, lowest layer first. @param {MediaStreamTrack | null} track  @param {string} source */
export function encodingsFor(track, source, kind) {
  if (kind === "audio") return [{ maxBitrate: BITS.audio }];
  if (source !== "camera") return [{ maxBitrate: BITS.screen }];
  const height = track?.getSettings().height ?? 720;
  const worth = LAYERS.filter(({ scaleResolutionDownBy }) => height / scaleResolutionDownBy >= SMALLEST_LAYER_HEIGHT);
  const layers = worth.length ? worth : LAYERS.slice(-1);
  return layers.length > 1 ? layers.map((layer) => ({ ...layer })) : [{ maxBitrate: layers[0].maxBitrate }];
}

/** What the encoder should favour where it must choose. */
export function hintFor(source, kind) {
  if (kind === "audio") return source === "microphone" ? "speech" : "music";
  return source === "screen" ? "detail" : "motion";
}
