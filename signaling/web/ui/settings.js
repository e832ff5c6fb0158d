// What this browser remembers from one meeting to the next: name, devices, switches. Kept in localStorage when there is one.

const KEY = "ciranda.settings";
const DEFAULTS = Object.freeze({
  name: "",
  microphoneId: "",
  cameraId: "",
  speakerId: "",
  quality: "high", // or "standard"
  blur: false,
  mirror: true,
  layout: "grid", // or "speaker" or "sidebar"
  noiseSuppression: true,
  echoCancellation: true,
  plainKeys: true, // shortcuts without Ctrl
});

function load() {
  try {
    return { ...DEFAULTS, ...JSON.parse(localStorage.getItem(KEY)) };
  } catch {
    return { ...DEFAULTS };
  }
}

export const settings = load();

export function remember(changes) {
  Object.assign(settings, changes);
  try {
    localStorage.setItem(KEY, JSON.stringify(settings));
  } catch {
    // private mode: valid until the page is left
  }
}
