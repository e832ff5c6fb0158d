// The way into a meeting. Everything that only a call needs hangs from here; app.js imports it while the lobby is looked at,
// so that the first view needs little.

import { AudioOnly } from "./call/audio_only.js";
import { Meeting } from "./client/meeting.js";
import { Sender } from "./media/sender.js";
import { clearToasts } from "./ui/toast.js";
import { CallView } from "./views/call.js";

const STYLES = ["call", "menu", "tile", "pip", "panel", "chat"];
const SAID = ["chat", "chatretracted"];
const MOST_HELD_BACK_MS = 250; // drawing a call takes a browser long enough to delay the connection; a slow network must not delay the call

/** Settles when the style sheet is there; without it the call would show, though not well. */
function styled(name) {
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet" });
  link.href = new URL(`css/${name}.css`, import.meta.url).pathname;
  return new Promise((resolve) => {
    link.onload = link.onerror = resolve;
    document.head.append(link);
  });
}

/** A browser's first offer takes it long: engines are started, codecs listed. Made in the lobby, nobody waits for it. */
export async function warmUp() {
  const connection = new RTCPeerConnection();
  for (const kind of ["audio", "video"]) connection.addTransceiver(kind);
  await connection.createOffer();
  connection.close();
}

await Promise.all(STYLES.map(styled));

/**
 * Joins; the devices come along. Rejects with what the server said.
 * @param {{room: string, name: string, token?: string, local: LocalMedia, audioOnly?: object}} who  audioOnly: as a reload found it
 * @param {{show: (view: object) => void, closed: (error: MeetingError) => void, waits: () => void}} page  waits: to be let in
 */
export async function enter({ room, name, token, local, audioOnly: before }, { show, closed, waits }) {
  const meeting = new Meeting();
  const sender = new Sender(local, meeting);
  window.ciranda = meeting; // for a look from the console, and for tests
  meeting.addEventListener("state", ({ detail }) => detail.state === "waiting" && waits());
  const early = []; // what was said before the view is there to show it: the chat's history may come before the answer is worked through
  const keep = ({ type, detail }) => early.push([type, detail]);
  for (const type of SAID) meeting.addEventListener(type, keep);
  const audioOnly = new AudioOnly(meeting, local, before);
  const remember = () => ({ microphone: local.microphone.on, camera: local.camera.on, audioOnly: audioOnly.state });
  try {
    await meeting.join({ room, name, token, remember });
  } catch (error) {
    sender.close();
    throw error;
  }
  meeting.addEventListener("closed", ({ detail }) => {
    sender.close();
    closed(detail);
  });
  await Promise.race([meeting.answered, new Promise((resolve) => setTimeout(resolve, MOST_HELD_BACK_MS))]);
  if (meeting.state === "closed") return;
  for (const type of SAID) meeting.removeEventListener(type, keep);
  clearToasts();
  show(new CallView({ meeting, local, sender, audioOnly, early }));
}
