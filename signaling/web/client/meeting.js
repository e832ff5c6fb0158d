// A participation in one room: the object that pages use. It ties socket, peer, roster and publications together and
// survives lost sockets, failed media and reloads. It shows nothing.
//
// Events (detail): "state" ({state}: idle, joining, joined, reconnecting, closed), "participantjoined" ({participant}),
// "participantleft" ({participant, reason}), "trackadded" and "trackchanged" ({participant, track}), "trackremoved"
// ({participant, track: id}), "slots" ({slots}), "speakers" ({participants: ids}), "chat" ({from, name, text, at, own}),
// "channel" ({open}), "connection" ({state}), "trackended" ({source}), "error" (MeetingError, the meeting goes on),
// "closed" (MeetingError; code "closed" after leave()).

import { CLIENT_CODES, MeetingError } from "./errors.js";
import { Peer } from "./peer.js";
import { Publication } from "./publication.js";
import { Recovery } from "./recovery.js";
import { Roster } from "./roster.js";
import { Session } from "./session.js";
import { Socket } from "./socket.js";
import { Statistics } from "./stats.js";

export class Meeting extends EventTarget {
  state = "idle";
  room = null;
  /** {id, name} of oneself, once joined. */
  self = null;
  permissions = { publish: true, subscribe: true, data: true, admin: false };
  limits = {};
  speakers = [];
  #server;
  #socket = null;
  #session = null;
  #peer = null;
  #recovery = null;
  #roster = new Roster();
  #publications = new Map();
  #iceServers = [];
  #pinned = [];
  #statistics = new Statistics();

  /** @param {{server?: URL | string}} [options] where Ciranda is; by default where this module came from */
  constructor({ server = new URL("../../", import.meta.url) } = {}) {
    super();
    this.#server = new URL(server);
  }

  /** Participant id → {id, name, tracks}; the others. */
  get participants() {
    return this.#roster.participants;
  }

  get connectionState() {
    return this.#peer?.state ?? "new";
  }

  get chatOpen() {
    return this.#peer?.chat?.open ?? false;
  }

  /** Comes in, or back after a reload of this tab. Settles when the server said welcome; media follows by itself.
   *  `remember` is kept over a reload beside the resume token and found by `savedSession(room)`. */
  join({ room, name, token, remember = () => ({}) }) {
    if (this.state !== "idle") throw new MeetingError(CLIENT_CODES.CLOSED, "a Meeting is joined once");
    this.room = room;
    const present = () => ["joined", "reconnecting"].includes(this.state);
    this.#session = new Session(room, () =>
      present() ? { resume: this.#socket.resumeToken, name, token, ...remember() } : null,
    );
    const url = new URL(`ws/${encodeURIComponent(room)}`, this.#server);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new Socket(url, token ? { name, token } : { name }, this.#session.previous?.resume);
    this.#socket = socket;
    this.#setState("joining");
    return new Promise((resolve, reject) => {
      socket.addEventListener("welcome", ({ detail }) => resolve(this.#welcome(detail)));
      socket.addEventListener("message", ({ detail }) => this.#receive(detail));
      socket.addEventListener("down", () => this.#setState("reconnecting"));
      socket.addEventListener("gone", ({ detail }) => reject(this.#gone(detail)));
      socket.open();
    });
  }

  /** Sends a track as camera, microphone, screen or screen_audio; may be called before join(). */
  async publish(track, source, { muted = false } = {}) {
    const known = this.#publications.get(source);
    if (known) {
      await this.replaceTrack(source, track);
      this.setMuted(source, muted);
      return;
    }
    const ended = ({ source: from }) => this.#emit("trackended", { source: from });
    const publication = new Publication(track, source, muted, ended);
    this.#publications.set(source, publication);
    const peer = this.#peer;
    if (!peer) return;
    peer.add(publication);
    try {
      await this.#negotiate(peer);
    } catch (error) {
      if (peer !== this.#peer) return; // the next peer has taken the publication over
      this.#publications.delete(source);
      publication.release();
      peer.remove(publication);
      throw error;
    }
  }

  /** Ends the track for everybody; the caller stops the device. */
  async unpublish(source) {
    const publication = this.#publications.get(source);
    if (!publication) return;
    this.#publications.delete(source);
    publication.release();
    const peer = this.#peer;
    peer?.remove(publication);
    if (peer) await this.#negotiate(peer);
  }

  /** Another device for a source, or null while it is off; costs no negotiation. */
  replaceTrack(source, track) {
    return this.#publications.get(source)?.replace(track);
  }

  setMuted(source, muted) {
    this.#publications.get(source)?.setMuted(muted);
    this.#tellMuted();
  }

  /** {source → {track, muted}} of what this participant sends. */
  get published() {
    return new Map([...this.#publications].map(([source, { track, muted }]) => [source, { track, muted }]));
  }

  /** Asks the server to keep these participants visible. */
  pin(participants) {
    this.#pinned = participants;
    this.#socket?.send({ type: "pin", participants });
  }

  /** [{mid, kind, stream, track, participant}]: what arrives, and from whom. */
  slots() {
    return this.#peer?.slots.list() ?? [];
  }

  /** False when the text can not be sent now. */
  sendChat(text) {
    if (!this.#peer?.chat?.send({ text })) return false;
    this.#emit("chat", { from: this.self.id, name: this.self.name, text, at: Date.now(), own: true });
    return true;
  }

  /** A summary of getStats since the last call; see stats.js. */
  stats() {
    return this.#statistics.summarise(this.#peer?.connection, this.slots(), this.#publications);
  }

  leave() {
    this.#socket?.close({ type: "leave" });
  }

  #welcome(message) {
    const { participant, permissions, limits, ice_servers: iceServers, participants, resumed } = message;
    this.self = { id: participant.id, name: participant.name };
    this.permissions = permissions;
    this.limits = limits;
    this.#iceServers = iceServers;
    const changes = this.#roster.reset(participants);
    const before = this.state;
    this.#setState("joined");
    for (const [type, detail] of changes) this.#emit(type, detail);
    if (!resumed && before === "reconnecting") this.#speakers([]);
    if (!resumed || !this.#peer) this.#openPeer();
    else this.#tellMuted();
    if (this.#pinned.length) this.#socket.send({ type: "pin", participants: this.#pinned });
    this.#recovery.check();
    return message;
  }

  #openPeer() {
    this.#closePeer();
    const peer = new Peer(this.#iceServers, (offer) => this.#socket.request({ type: "offer", ...offer }));
    this.#peer = peer;
    this.#recovery = new Recovery(peer, () => this.#openPeer());
    peer.addEventListener("state", ({ detail }) => this.#emit("connection", { state: detail }));
    peer.addEventListener("text", ({ detail }) => this.#chat(detail));
    peer.addEventListener("channel", () => this.#emit("channel", { open: this.chatOpen }));
    if (this.permissions.data) peer.openChat();
    if (this.permissions.publish) for (const publication of this.#publications.values()) peer.add(publication);
    if (this.permissions.subscribe) this.#addFirstSlots(peer);
    this.#emit("slots", { slots: this.slots() });
    this.#emit("connection", { state: peer.state });
    this.#negotiateOrTell(peer);
  }

  /** One slot for each track that is already there saves a round trip; the server asks for whatever is missing. */
  #addFirstSlots(peer) {
    const tracks = [...this.participants.values()].flatMap(({ tracks: published }) => [...published.values()]);
    for (const kind of ["audio", "video"]) {
      peer.slots.grow(kind, tracks.filter((track) => track.kind === kind).length);
    }
  }

  #closePeer() {
    this.#recovery?.close();
    this.#peer?.close();
    this.#peer = null;
    for (const publication of this.#publications.values()) publication.id = publication.transceiver = null;
  }

  async #negotiate(peer) {
    await peer.negotiate();
    if (peer === this.#peer) this.#tellMuted();
  }

  #negotiateOrTell(peer) {
    this.#negotiate(peer).catch((error) => peer === this.#peer && this.#emit("error", error));
  }

  #tellMuted() {
    for (const publication of this.#publications.values()) {
      const { id, muted, told } = publication;
      if (id && muted !== told && this.#socket?.send({ type: "mute", track: id, muted })) publication.told = muted;
    }
  }

  #receive(message) {
    if (message.type === "error") return this.#emit("error", message.error);
    if (message.type === "slots") {
      this.#peer?.slots.assign(message.slots);
      return this.#emit("slots", { slots: this.slots() });
    }
    if (message.type === "slots_needed") return this.#growSlots(message);
    if (message.type === "speakers") return this.#speakers(message.participants);
    for (const [type, detail] of this.#roster.apply(message)) this.#emit(type, detail);
  }

  #growSlots(missing) {
    this.#peer.growSlots(missing);
    this.#negotiateOrTell(this.#peer);
  }

  #speakers(participants) {
    this.speakers = participants;
    this.#emit("speakers", { participants });
  }

  #chat({ from, name, text, at_ms: at }) {
    if (typeof text === "string" && typeof from === "string") this.#emit("chat", { from, name, text, at, own: false });
  }

  #gone(error) {
    this.#session.close();
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
