// A participation in one room: the object that pages use. It ties socket, peer, roster and publications together and
// survives lost sockets, failed media and reloads. It shows nothing.
//
// Events (detail): "state" ({state}: idle, joining, waiting, joined, reconnecting, closed), "participantjoined" ({participant}),
// "participantleft" ({participant, reason}), "participantchanged" ({participant}), "trackadded" and "trackchanged" ({participant, track}), "trackremoved"
// ({participant, track: id}), "slots" ({slots}), "speakers" ({participants: ids}), "chat" ({from, name, text, at, own, to, file,
// past, ref}), "chatfailed" ({code, ref}), "channel" ({open}: of the chat), "hand" ({participant, up}), "reaction" ({participant, reaction}),
// "receiving" ({video}), those of order.js, "connection" ({state}), "way" ({way}: direct or server), "trackended" ({source}), "error"
// (MeetingError, the meeting goes on), "closed" (MeetingError; code "closed" after leave()).

import { Chat } from "./chat.js";
import { Direct } from "./direct.js";
import { CLIENT_CODES, MeetingError } from "./errors.js";
import { upload } from "./files.js";
import { Hands } from "./hands.js";
import { Order } from "./order.js";
import { Peer } from "./peer.js";
import { Publications } from "./publications.js";
import { Reactions } from "./reactions.js";
import { Recovery } from "./recovery.js";
import { Roster } from "./roster.js";
import { Session } from "./session.js";
import { Socket } from "./socket.js";
import { Statistics } from "./stats.js";

const REBUILD_MS = [0, 1000, 4000, 15_000]; // before another peer, by how many in a row did not last
const LASTING_MS = 10_000;
const MOST_FIRST_SLOTS = 16; // of a kind; a larger room has more tracks than anybody watches at once

export class Meeting extends EventTarget {
  state = "idle";
  /** Whether nobody needs an invitation here: then hosts make others hosts. */
  open = true;
  room = null;
  /** {id, name, admin} of oneself, once joined. */
  self = null;
  permissions = { publish: true, subscribe: true, data: true, admin: false };
  /** What administrators do, and what comes of it. */
  order = new Order(
    (message) => this.#socket?.send(message),
    (type, detail) => this.#ordered(type, detail),
  );
  limits = {};
  /** Settles when the server has answered the first offer, or could not: until then a page had better leave the browser alone. */
  answered = null;
  speakers = [];
  /** Whether pictures are asked for; see receiveVideo. */
  receivesVideo = true;
  #server;
  #socket = null;
  #session = null;
  #peer = null;
  #recovery = null;
  #rebuilds = 0;
  #rebuild = 0;
  #builtAt = 0;
  #roster = new Roster();
  #publications = new Publications(
    (message) => this.#socket?.send(message) ?? false,
    (source) => this.#emit("trackended", { source }),
  );
  #chat = new Chat((type, detail) => this.#emit(type, detail), () => this.self);
  #hands = new Hands();
  #reactions = new Reactions();
  #iceServers = []; // for the connection to the server
  #directIceServers = []; // for that to the other one
  #pinned = [];
  #statistics = new Statistics();
  #direct = new Direct({
    send: (message) => this.#socket.send(message),
    joined: () => this.state === "joined",
    participants: () => this.participants,
    slots: () => this.#peer?.slots.list() ?? [],
    leg: () => this.#peer?.connection,
    publications: this.#publications,
    iceServers: () => this.#directIceServers,
    receivesVideo: () => this.receivesVideo,
  });
  #way = "server";

  /** @param {{server?: URL | string}} [options] where Ciranda is; by default where this module came from */
  constructor({ server = import.meta.url.replace(/\/static\/.*/, "/") } = {}) {
    super();
    this.#server = new URL(server);
    this.#direct.addEventListener("change", () => this.#wayChanged());
  }

  /** Participant id → {id, name, tracks}; the others. */
  get participants() {
    return this.#roster.participants;
  }

  /** The secret that brings this participant back within some seconds of losing the server. */
  get resumeToken() {
    return this.#socket?.resumeToken;
  }

  /** Whether the room and the invitation let one turn this source on now. */
  may(source) {
    const { publish, sources } = this.permissions;
    return publish && (!sources || sources.includes(source));
  }

  get connectionState() {
    return this.#peer?.state ?? "new";
  }

  /** How camera and microphone of the other one come, where two are alone: "direct", else "server". */
  get way() {
    return this.#direct.shown;
  }

  get chatOpen() {
    return this.#chat.open;
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
    return this.#publications.publish(track, source, muted);
  }

  /** Ends the track for everybody; the caller stops the device. */
  unpublish(source) {
    return this.#publications.unpublish(source);
  }

  /** Another device for a source, or null while it is off; costs no negotiation. */
  replaceTrack(source, track) {
    return this.#publications.replaceTrack(source, track);
  }

  setMuted(source, muted) {
    this.#publications.setMuted(source, muted);
  }

  /** Map of source → {track, muted}: what this participant sends. */
  get published() {
    return new Map(this.#publications.list().map(({ source, track, muted }) => [source, { track, muted }]));
  }

  /** Asks the server to keep these participants visible. */
  pin(participants) {
    this.#pinned = participants;
    this.#socket?.send({ type: "pin", participants });
  }

  /** [{mid, kind, stream, track, participant}]: what arrives, and from whom. Sound has `voices`, too: who plays each of them
   *  hears no seam when the way changes (media/playback.js). */
  slots() {
    return this.#direct.apply(this.#peer?.slots.list() ?? []);
  }

  /** Without video nothing but sound is downloaded: the m-lines for pictures become inactive. */
  receiveVideo(on) {
    if (on === this.receivesVideo) return;
    this.receivesVideo = on;
    this.#peer?.slots.receive("video", on);
    this.#direct.receiveVideo();
    this.#emit("receiving", { video: on });
    if (this.#peer) this.#negotiate(this.#peer);
  }

  /** False when the text can not be sent now. @param {{to?: string, file?: object}} [more]  for one person only; with a file */
  sendChat(text, more) {
    return this.#chat.send(text, more);
  }

  /** A summary of getStats since the last call; see stats.js. */
  stats() {
    return this.#statistics.summarise(this.#peer?.connection, this.slots(), this.#publications.list(), this.#direct.connection);
  }

  /** Ids of those whose hand is up, first raised first. */
  get hands() {
    return this.#hands.order;
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
    if (this.#reactions.send(reaction)) this.#emit("reaction", { participant: this.self, reaction });
  }

  leave() {
    this.#socket?.close({ type: "leave" });
  }

  #welcome(message) {
    const { participant, permissions, limits, ice_servers: iceServers, participants, resumed } = message;
    this.self = { id: participant.id, name: participant.name };
    this.#permit(permissions);
    this.limits = limits;
    this.#relay(iceServers);
    this.#directIceServers = message.direct_ice_servers;
    if (!resumed) this.#direct.end({ forget: true });
    const changes = this.#roster.reset(participants);
    const before = this.state;
    this.#setState("joined");
    this.#hands.keep([participant.id, ...this.participants.keys()]);
    for (const [type, detail] of changes) this.#announce(type, detail);
    for (const view of [participant, ...participants]) this.#hand(view);
    this.order.reset(message);
    if (!resumed && before === "reconnecting") this.#speakers([]);
    if (!resumed || !this.#peer) this.#openPeer();
    else this.#publications.sync();
    if (this.#pinned.length) this.#socket.send({ type: "pin", participants: this.#pinned });
    this.#recovery.check();
    return message;
  }

  /** Passwords for TURN servers, newer than those before. */
  #relay(iceServers) {
    this.#iceServers = iceServers;
    this.#peer?.setIceServers(iceServers);
  }

  #openPeer() {
    this.#closePeer();
    const peer = new Peer(this.#iceServers, (offer) => this.#socket.request({ type: "offer", ...offer }));
    this.#peer = peer;
    const silent = () => this.way === "direct";
    this.#recovery = new Recovery(peer, () => this.#rebuildPeer(), () => this.#socket.doubt(), silent);
    this.#builtAt = performance.now();
    peer.addEventListener("state", ({ detail }) => this.#emit("connection", { state: detail }));
    if (this.permissions.data) this.#openChannels(peer);
    this.#publications.attach(peer, (source) => this.may(source));
    if (this.permissions.subscribe) this.#addFirstSlots(peer);
    this.#emit("slots", { slots: this.slots() });
    this.#emit("connection", { state: peer.state });
    const negotiated = this.#negotiate(peer);
    this.answered ??= negotiated;
  }

  /** A server that ends every connection at once is not asked for the next one at once. */
  #rebuildPeer() {
    if (performance.now() - this.#builtAt > LASTING_MS) this.#rebuilds = 0;
    const delay = REBUILD_MS[Math.min(this.#rebuilds++, REBUILD_MS.length - 1)];
    this.#rebuild = setTimeout(() => this.#openPeer(), delay);
  }

  #openChannels(peer) {
    const chat = peer.openChannel("chat");
    const reactions = peer.openChannel("reactions");
    this.#chat.attach(chat);
    this.#reactions.attach(reactions);
    for (const type of ["open", "close"]) chat.addEventListener(type, () => this.#emit("channel", { open: this.chatOpen }));
    reactions.addEventListener("text", ({ detail }) => {
      const participant = this.participants.get(detail.from);
      const reaction = participant && this.#reactions.read(detail);
      if (reaction) this.#emit("reaction", { participant, reaction });
    });
  }

  /** One slot for each track that is already there saves a round trip; the server asks for whatever is missing. */
  #addFirstSlots(peer) {
    const tracks = [...this.participants.values()].flatMap(({ tracks: published }) => [...published.values()]);
    for (const kind of this.receivesVideo ? ["audio", "video"] : ["audio"]) {
      peer.slots.grow(kind, Math.min(MOST_FIRST_SLOTS, tracks.filter((track) => track.kind === kind).length));
    }
  }

  #closePeer() {
    clearTimeout(this.#rebuild);
    this.#recovery?.close();
    this.#peer?.close();
    this.#peer = null;
    this.#chat.attach(null);
    this.#publications.attach(null);
  }

  async #negotiate(peer) {
    try {
      await peer.negotiate();
      this.#publications.sync();
    } catch (error) {
      if (peer === this.#peer) this.#emit("error", error);
    }
  }

  #receive(message) {
    if (message.type === "error") return this.#emit("error", message.error);
    if (message.type === "slots") {
      this.#peer?.slots.assign(message.slots);
      return this.#emit("slots", { slots: this.slots() });
    }
    if (message.type === "direct") return this.#direct.receive(message);
    if (message.type === "ice_servers") return this.#relay(message.ice_servers);
    if (message.type === "slots_needed") return this.#growSlots(message);
    if (message.type === "speakers") return this.#speakers(message.participants);
    if (message.type === "permissions") return this.#permit(message.permissions);
    if (this.order.receive(message)) return undefined;
    for (const [type, detail] of this.#roster.apply(message)) this.#announce(type, detail);
    if (message.participant?.id) this.#hand(message.participant);
    return undefined;
  }

  #permit(permissions) {
    this.permissions = permissions;
    this.self.admin = permissions.admin;
    this.#emit("permissions", { permissions });
  }

  #ordered(type, detail) {
    if (type === "muted") this.#publications.silenced(detail.track);
    this.#emit(type, detail);
  }

  #hand(view) {
    const up = this.#hands.note(view);
    const participant = view.id === this.self.id ? this.self : this.participants.get(view.id);
    if (up !== undefined && participant) this.#emit("hand", { participant, up });
  }

  #announce(type, detail) {
    if (type === "participantleft") this.#hands.note({ id: detail.participant.id });
    this.#emit(type, detail);
  }

  #down() {
    this.#setState("reconnecting");
    this.#direct.down();
  }

  #wayChanged() {
    this.#emit("slots", { slots: this.slots() });
    if (this.way === this.#way) return;
    this.#way = this.way;
    this.#emit("way", { way: this.way });
  }

  #growSlots(missing) {
    this.#peer.growSlots(this.receivesVideo ? missing : { ...missing, video: 0 });
    this.#negotiate(this.#peer);
  }

  #speakers(participants) {
    this.speakers = participants;
    this.#emit("speakers", { participants });
  }

  #gone(error) {
    this.#session.close();
    this.#direct.end();
    this.#closePeer();
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
