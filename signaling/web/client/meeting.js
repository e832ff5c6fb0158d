// A participation in one room: the object that pages use. It ties socket, room, media and conversation together and survives lost
// sockets, failed media and reloads. It shows nothing.
//
// Events (detail): "state" ({state}: idle, joining, waiting, joined, reconnecting, closed), those of room.js, media.js, conversation.js
// and order.js, "closed" (MeetingError; code "closed" after leave()).

import { Conversation } from "./conversation.js";
import { CLIENT_CODES, MeetingError } from "./errors.js";
import { upload } from "./files.js";
import { Media } from "./media.js";
import { Order } from "./order.js";
import { Room } from "./room.js";
import { Session } from "./session.js";
import { Socket } from "./socket.js";

export class Meeting extends EventTarget {
  state = "idle";
  /** Whether nobody needs an invitation here: then hosts make others hosts. */
  open = true;
  room = null;
  /** What administrators do, and what comes of it. */
  order = new Order(
    (message) => this.#socket?.send(message),
    (type, detail) => this.#ordered(type, detail),
  );
  #server;
  #socket = null;
  #session = null;
  #present = new Room((type, detail) => this.#announce(type, detail));
  #conversation = new Conversation((type, detail) => this.#emit(type, detail), () => this.self, () => this.participants);
  #media = new Media(
    {
      send: (message) => this.#socket?.send(message) ?? false,
      request: (message) => this.#socket.request(message),
      doubt: () => this.#socket.doubt(),
      joined: () => this.state === "joined",
    },
    this.#present,
    this.#conversation,
    (type, detail) => this.#emit(type, detail),
  );
  #pinned = [];

  /** @param {{server?: URL | string}} [options] where Ciranda is; by default where this module came from */
  constructor({ server = import.meta.url.replace(/\/static\/.*/, "/") } = {}) {
    super();
    this.#server = new URL(server);
  }

  /** {id, name, admin} of oneself, once joined. */
  get self() {
    return this.#present.self;
  }

  get permissions() {
    return this.#present.permissions;
  }

  get limits() {
    return this.#present.limits;
  }

  /** Ids, the loudest first. */
  get speakers() {
    return this.#present.speakers;
  }

  /** Participant id → {id, name, admin, tracks}; the others. */
  get participants() {
    return this.#present.participants;
  }

  /** The secret that brings this participant back within some seconds of losing the server. */
  get resumeToken() {
    return this.#socket?.resumeToken;
  }

  /** Whether the room and the invitation let one turn this source on now. */
  may(source) {
    return this.#present.may(source);
  }

  get connectionState() {
    return this.#media.state;
  }

  /** Settles when the server has answered the first offer, or could not: until then a page had better leave the browser alone. */
  get answered() {
    return this.#media.answered;
  }

  /** How camera and microphone of the other one come, where two are alone: "direct", else "server". */
  get way() {
    return this.#media.way;
  }

  get chatOpen() {
    return this.#conversation.chatOpen;
  }

  /** Comes in, or back after a reload of this tab. Settles when the server said welcome; media follows by itself.
   *  `remember` is kept over a reload beside the resume token and found by `savedSession(room)`. With `direct` false nobody learns
   *  this browser's addresses but the server. */
  join({ room, name, token, remember = () => ({}), direct = true }) {
    if (this.state !== "idle") throw new MeetingError(CLIENT_CODES.CLOSED, "a Meeting is joined once");
    this.room = room;
    this.open = !token;
    const present = () => ["joined", "reconnecting"].includes(this.state);
    this.#session = new Session(room, () =>
      present() ? { resume: this.#socket.resumeToken, name, token, ...remember() } : null,
    );
    const url = new URL(`ws/${encodeURIComponent(room)}`, this.#server);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new Socket(url, { name, direct, ...(token ? { token } : {}) }, this.#session.previous?.resume);
    this.#socket = socket;
    this.#setState("joining");
    return new Promise((resolve, reject) => {
      socket.addEventListener("welcome", ({ detail }) => resolve(this.#welcome(detail)));
      socket.addEventListener("waiting", () => this.#setState("waiting"));
      socket.addEventListener("message", ({ detail }) => this.#receive(detail));
      socket.addEventListener("down", () => this.#down());
      socket.addEventListener("gone", ({ detail }) => reject(this.#gone(detail)));
      socket.open();
    });
  }

  /** Sends a track as camera, microphone, screen or screen_audio; before join() it goes along with the first offer. */
  publish(track, source, { muted = false } = {}) {
    return this.#media.publications.publish(track, source, muted);
  }

  /** Ends the track for everybody; the caller stops the device. */
  unpublish(source) {
    return this.#media.publications.unpublish(source);
  }

  /** Another device for a source, or null while it is off; costs no negotiation. */
  replaceTrack(source, track) {
    return this.#media.publications.replaceTrack(source, track);
  }

  setMuted(source, muted) {
    this.#media.publications.setMuted(source, muted);
  }

  /** Map of source → {track, muted}: what this participant sends. */
  get published() {
    return new Map(this.#media.publications.list().map(({ source, track, muted }) => [source, { track, muted }]));
  }

  /** Asks the server to keep these participants visible. */
  pin(participants) {
    this.#pinned = participants;
    this.#socket?.send({ type: "pin", participants });
  }

  /** [{mid, kind, stream, track, participant}]: what arrives, and from whom. Sound has `voices`, too: who plays each of them
   *  hears no seam when the way changes (media/playback.js). */
  slots() {
    return this.#media.slots();
  }

  /** Whether pictures are asked for; see receiveVideo. */
  get receivesVideo() {
    return this.#media.receivesVideo;
  }

  /** Without video nothing but sound is downloaded: the m-lines for pictures become inactive. */
  receiveVideo(on) {
    this.#media.receiveVideo(on);
  }

  /** False when the text can not be sent now. @param {{to?: string, file?: object}} [more]  for one person only; with a file */
  sendChat(text, more) {
    return this.#conversation.sendChat(text, more);
  }

  /** A summary of getStats since the last call; see stats.js. */
  stats() {
    return this.#media.stats();
  }

  /** Ids of those whose hand is up, first raised first. */
  get hands() {
    return this.#conversation.hands;
  }

  raiseHand(up) {
    this.#socket.send({ type: "hand", raised: up });
  }

  /** Gives a file to the server; what comes back is announced with sendChat. See files.js. */
  upload(file, options) {
    return upload(file, new URL(`files/${encodeURIComponent(this.room)}`, this.#server), this.resumeToken, options);
  }

  /** One of REACTIONS (reactions.js), seen by everybody at once and kept by nobody. */
  react(reaction) {
    this.#conversation.react(reaction);
  }

  leave() {
    this.#socket?.close({ type: "leave" });
  }

  #welcome(message) {
    const { participant, participants, resumed } = message;
    this.#media.begin(message);
    const changes = this.#present.reset(message);
    const before = this.state;
    this.#setState("joined");
    this.#conversation.keepHands();
    for (const [type, detail] of changes) this.#announce(type, detail);
    for (const view of [participant, ...participants]) this.#conversation.noteHand(view);
    this.order.reset(message);
    if (!resumed && before === "reconnecting") this.#present.speak([]);
    this.#media.welcome(message);
    if (this.#pinned.length) this.#socket.send({ type: "pin", participants: this.#pinned });
    this.#media.check();
    return message;
  }

  #receive(message) {
    if (message.type === "error") return this.#emit("error", message.error);
    if (this.#media.receive(message) || this.order.receive(message)) return undefined;
    this.#present.receive(message);
    if (message.participant?.id) this.#conversation.noteHand(message.participant);
    return undefined;
  }

  #ordered(type, detail) {
    if (type === "muted") this.#media.publications.silenced(detail.track);
    this.#emit(type, detail);
  }

  #announce(type, detail) {
    if (type === "participantleft") this.#conversation.noteHand({ id: detail.participant.id });
    this.#emit(type, detail);
  }

  #down() {
    this.#setState("reconnecting");
    this.#media.down();
  }

  #gone(error) {
    this.#session.close();
    this.#media.close();
    this.#setState("closed");
    this.#emit("closed", error);
    return error;
  }

  #setState(state) {
    if (state === this.state) return;
    this.state = state;
    this.#emit("state", { state });
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
