// Ciranda's client: everything that talks to the server, and no user interface. Import it for a page of your own:
//
//   import { Meeting } from "/static/client/index.js";
//   const meeting = new Meeting();
//   meeting.addEventListener("slots", ({ detail }) => …);       // who is seen and heard where
//   await meeting.join({ room: "tea", name: "Ana" });
//   await meeting.publish(cameraTrack, "camera");
//
// `meeting.js` says where every event is listed.

export { Meeting } from "./meeting.js";
export { MeetingError, checkSupport } from "./errors.js";
export { forgetSession, savedSession } from "./session.js";
