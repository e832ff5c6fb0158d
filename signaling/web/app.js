// The page's beginning: picks the language, looks at the address, and shows one view at a time: home, lobby, call, end.

import { CLIENT_CODES, MeetingError, checkSupport } from "./client/errors.js";
import { forgetSession, savedSession } from "./client/session.js";
import { LocalMedia } from "./media/local.js";
import { chooseLanguage, t } from "./ui/i18n.js";
import { isRoomName } from "./ui/names.js";
import { EndView } from "./views/end.js";
import { HomeView } from "./views/home.js";
import { LobbyView } from "./views/lobby.js";

const host = document.getElementById("app");
let view = null;
let devices = null; // the LocalMedia of the present lobby or call

/** Camera and microphone belong to one lobby or call; whatever follows starts without them. */
function takeDevices() {
  devices?.stop();
  devices = new LocalMedia();
  return devices;
}

function present(next, title) {
  view?.close();
  view = next;
  host.replaceChildren(next.element);
  document.title = title ? `${title} · Ciranda` : "Ciranda";
  next.shown?.();
}

/** The room is the last part of the path, so that the page also works below a prefix. */
const roomOfAddress = () => decodeURIComponent(location.pathname.split("/").at(-1));

/** Tokens travel in the fragment, which browsers send to nobody; a query works too. */
function tokenOfAddress() {
  const inFragment = new URLSearchParams(location.hash.slice(1)).get("token");
  return inFragment ?? new URLSearchParams(location.search).get("token") ?? undefined;
}

function showHome() {
  takeDevices();
  present(new HomeView((room) => go(room)));
}

function go(room) {
  history.pushState(null, "", room ? encodeURIComponent(room) : "./");
  route();
}

function showEnd(error, again) {
  takeDevices();
  const home = () => go("");
  present(new EndView(error, { again, home }), t("lobby.room"));
}

async function showLobby(room) {
  const local = takeDevices();
  const enter = (name, waits) => join(room, name, local, { waits });
  present(new LobbyView({ room, local, join: enter, cancel: () => window.ciranda?.leave(), home: () => go("") }), room);
  await local.start();
  try {
    await (await entrance()).warmUp();
  } catch {
    // whoever joins hears of it
  }
}

/** What only a call needs; asked for early, so that nobody waits for it after a click. */
async function entrance() {
  try {
    return await import("./enter.js");
  } catch {
    throw new MeetingError(CLIENT_CODES.UNREACHABLE, undefined, { fatal: true });
  }
}

/** Rejects with what the server said, so that the lobby can show it. */
async function join(room, name, local, { waits = () => {}, audioOnly = null } = {}) {
  const { enter } = await entrance();
  const show = (call) => present(call, room);
  const closed = (error) => showEnd(error, () => showLobby(room));
  await enter({ room, name, token: tokenOfAddress(), local, audioOnly }, { show, closed, waits });
}

/** After a reload: straight back in, with the devices as they were. */
async function comeBack(room, { name, microphone, camera, audioOnly }) {
  const local = takeDevices();
  local.start({ microphone, camera });
  try {
    await join(room, name, local, { audioOnly });
  } catch (error) {
    forgetSession(room);
    showEnd(error, () => showLobby(room));
  }
}

function route() {
  const unsupported = checkSupport();
  const room = roomOfAddress();
  if (unsupported) return showEnd(unsupported, () => location.reload());
  if (!room) return showHome();
  if (!isRoomName(room)) return showEnd(new MeetingError("bad_request"), null);
  const saved = savedSession(room);
  return saved?.resume ? comeBack(room, saved) : showLobby(room);
}

await chooseLanguage();
addEventListener("popstate", () => {
  window.ciranda?.leave();
  route();
});
route();
