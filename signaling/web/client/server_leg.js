// The media connection to the server, and the next one whenever nothing else helps. Owns the peer, its recovery and how soon
// another is built; what goes over it is its caller's.
//
// Events: "opened" (slots are new), "state" (the connection's state), "negotiated", "error" (MeetingError: it could not).

import { Peer } from "./peer.js";
import { Recovery } from "./recovery.js";

const REBUILD_MS = [0, 1000, 4000, 15_000]; // before another peer, by how many in a row did not last
const LASTING_MS = 10_000;
const MOST_FIRST_SLOTS = 16; // of a kind; a larger room has more tracks than anybody watches at once

export class ServerLeg extends EventTarget {
  /** Settles when the server has answered the first offer, or could not. */
  answered = null;
  #meeting;
  #peer = null;
  #recovery = null;
  #iceServers = [];
  #rebuilds = 0;
  #rebuild = 0;
  #builtAt = 0;

  /**
   * @param {{exchange: (offer: object) => Promise<object>, prepare: (peer: Peer) => void, release: () => void, doubt: () => void,
   *   mayBeSilent: () => boolean}} meeting  prepare: adds what goes over a new peer, before its first offer; release: it is gone;
   *   doubt: the way to the server may be gone altogether
   */
  constructor(meeting) {
    super();
    this.#meeting = meeting;
  }

  get peer() {
    return this.#peer;
  }

  get state() {
    return this.#peer?.state ?? "new";
  }

  get connection() {
    return this.#peer?.connection;
  }

  /** The slots as the server has filled them; see slots.js. */
  slots() {
    return this.#peer?.slots.list() ?? [];
  }

  /** Another peer in place of the one there is. */
  open() {
    this.close();
    const peer = new Peer(this.#iceServers, this.#meeting.exchange);
    this.#peer = peer;
    this.#recovery = new Recovery(peer, () => this.#rebuildPeer(), this.#meeting.doubt, this.#meeting.mayBeSilent);
    this.#builtAt = performance.now();
    peer.addEventListener("state", ({ detail }) => this.#emit("state", detail));
    this.#meeting.prepare(peer);
    this.#emit("opened");
    this.#emit("state", peer.state);
    const negotiated = this.negotiate();
    this.answered ??= negotiated;
  }

  /** TURN servers with passwords newer than those before. @param {RTCIceServer[]} iceServers */
  renew(iceServers) {
    this.#iceServers = iceServers;
    this.#peer?.setIceServers(iceServers);
  }

  /** The signalling is there, perhaps from another network: see whether media needs help. */
  check() {
    this.#recovery.check();
  }

  /** One slot for each track that is already there saves a round trip; the server asks for whatever is missing.
   *  @param {object[]} tracks  of the others  @param {string[]} kinds */
  addFirstSlots(tracks, kinds) {
    for (const kind of kinds) {
      this.#peer.slots.grow(kind, Math.min(MOST_FIRST_SLOTS, tracks.filter((track) => track.kind === kind).length));
    }
  }

  /** The server lacks that many slots beyond its last answer. @param {{audio: number, video: number}} missing */
  growSlots(missing) {
    this.#peer.growSlots(missing);
    this.negotiate();
  }

  async negotiate() {
    const peer = this.#peer;
    try {
      await peer.negotiate();
      this.#emit("negotiated");
    } catch (error) {
      if (peer === this.#peer) this.#emit("error", error);
    }
  }

  close() {
    clearTimeout(this.#rebuild);
    this.#recovery?.close();
    this.#peer?.close();
    this.#peer = null;
    this.#meeting.release();
  }

  /** A server that ends every connection at once is not asked for the next one at once. */
  #rebuildPeer() {
    if (performance.now() - this.#builtAt > LASTING_MS) this.#rebuilds = 0;
    const delay = REBUILD_MS[Math.min(this.#rebuilds++, REBUILD_MS.length - 1)];
    this.#rebuild = setTimeout(() => this.open(), delay);
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
