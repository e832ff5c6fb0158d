// Asks the browser for camera, microphone and screen, and says in one word why it did not work.

import { settings } from "../ui/settings.js";

const HEIGHTS = { high: 720, standard: 360 };
const FRAME_RATE = 30;
const SCREEN_FRAME_RATE = 15; // text needs pixels more than motion

const REASONS = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
  NotReadableError: "busy",
  AbortError: "busy",
};

/** denied, missing, busy or failed */
export const reasonOf = (error) => REASONS[error?.name] ?? "failed";

/** Exactly this device: Chromium takes a mere wish for none. */
function constraintsFor(source, id) {
  const deviceId = id ? { exact: id } : undefined;
  if (source === "microphone") {
    const { noiseSuppression, echoCancellation } = settings;
    return { audio: { deviceId, noiseSuppression, echoCancellation, autoGainControl: true } };
  }
  const height = HEIGHTS[settings.quality] ?? HEIGHTS.high;
  return {
    video: {
      deviceId,
      width: { ideal: (height * 16) / 9 },
      height: { ideal: height },
      frameRate: { ideal: FRAME_RATE },
    },
  };
}

const chosen = (source) => settings[`${source}Id`];

async function open(source, id) {
  const stream = await navigator.mediaDevices.getUserMedia(constraintsFor(source, id));
  const [track] = stream.getTracks();
  return source === "camera" ? blurred(track) : track;
}

/** With the blur that the person wants, where the camera can; a wish in getUserMedia is not always granted. What the system blurs stays. */
async function blurred(track) {
  if (settings.blur && canBlur(track)) await blur(track, true);
  return track;
}

/** The track of one device: of this one if it is named, else of the chosen one, else, where that is not there, of any. Throws the
 *  browser's error. @param {"microphone" | "camera"} source */
export async function capture(source, id = null) {
  try {
    return await open(source, id ?? chosen(source));
  } catch (error) {
    if (id || !chosen(source) || reasonOf(error) !== "missing") throw error;
    return open(source, null);
  }
}

/** Both with one question to the person where the browser can. Resolves to {microphone, camera}: tracks or errors. */
export async function captureBoth() {
  try {
    const stream = await navigator.mediaDevices.getUserMedia({
      ...constraintsFor("microphone", chosen("microphone")),
      ...constraintsFor("camera", chosen("camera")),
    });
    return { microphone: stream.getAudioTracks()[0], camera: await blurred(stream.getVideoTracks()[0]) };
  } catch {
    const [microphone, camera] = await Promise.all(
      ["microphone", "camera"].map((source) => capture(source).catch((error) => error)),
    );
    return { microphone, camera };
  }
}

/** Whether the running track took this on: browsers may agree to a constraint and change nothing. */
export async function adjust(track, constraints) {
  try {
    await track.applyConstraints({ ...track.getConstraints(), ...constraints });
  } catch {
    return false;
  }
  const now = track.getSettings();
  return Object.entries(constraints).every(([name, value]) => now[name] === value);
}

/** Whether this camera lets pages turn the blur of what is behind a person on and off (W3C Media Capture Extensions). */
export const canBlur = (track) => new Set(track?.getCapabilities?.().backgroundBlur ?? []).size > 1;

export async function blur(track, on) {
  return track.getSettings().backgroundBlur === on || adjust(track, { backgroundBlur: on });
}

export const canShareScreen = () => typeof navigator.mediaDevices?.getDisplayMedia === "function";

/** {video, audio?}: the tracks of a screen, a window or a tab. */
export async function captureScreen() {
  const stream = await navigator.mediaDevices.getDisplayMedia({
    video: { frameRate: { ideal: SCREEN_FRAME_RATE, max: FRAME_RATE } },
    audio: true,
  });
  return { video: stream.getVideoTracks()[0], audio: stream.getAudioTracks()[0] };
}

/** {microphone: [], camera: [], speaker: []} of {id, label} */
export async function listDevices() {
  const found = { microphone: [], camera: [], speaker: [] };
  const kinds = { audioinput: "microphone", videoinput: "camera", audiooutput: "speaker" };
  for (const { kind, deviceId: id, label } of await navigator.mediaDevices.enumerateDevices()) {
    if (id) found[kinds[kind]]?.push({ id, label });
  }
  return found;
}
