// One RTCPeerConnection to the server: it always offers, one offer at a time. Owns the m-lines: what is sent
// (publications), what is received (slots), the data channels. It knows neither the socket nor the room.
//
// Events: "state" (the connection's state), "lost" (the server's end of it is gone: only another peer can help).

import { TextChannel } from "./channel.js";
import { encodingsFor, hintFor } from "./encodings.js";
import { CLIENT_CODES, MeetingError } from "./errors.js";
import { Slots } from "./slots.js";

const ID_BYTES = 9;

function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(ID_BYTES));
  return `c-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

export class Peer extends EventTarget {
  id = randomId();
  /** Whether "lost" was said. */
  lost = false;
  #exchange;
  #publications = new Set();
  #groups = { user: new MediaStream(), screen: new MediaStream() }; // browsers lip-sync what shares a stream
  #running = Promise.resolve();
  #queued = null;
  #session = null; // the server's session id (o= line): another one is another DTLS connection
  #watched = null;
  #answered = { audio: 0, video: 0 }; // slots in the last answer
  #closed = false;

  /**
   * @param {RTCIceServer[]} iceServers
   * @param {(offer: {connection: string, sdp: string, tracks: object[]}) => Promise<{sdp: string, tracks: object[]}>} exchange
   */
  constructor(iceServers, exchange) {
    super();
    this.#exchange = exchange;
    this.connection = new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle", rtcpMuxPolicy: "require" });
    this.slots = new Slots(this.connection);
    this.connection.onconnectionstatechange = () => this.#emit("state", this.connection.connectionState);
  }

  get state() {
    return this.connection.connectionState;
  }

  /** A data channel that the server relays to everybody's channel of that label. */
  openChannel(label) {
    return new TextChannel(this.connection, label);
  }

  /** Adds a send-only m-line; the caller negotiates. */
  add(publication) {
    const { track, source, kind } = publication;
    if (track && "contentHint" in track) track.contentHint = hintFor(source, kind);
    publication.transceiver = this.connection.addTransceiver(track ?? kind, {
      direction: "sendonly",
      streams: [source.startsWith("screen") ? this.#groups.screen : this.#groups.user],
      sendEncodings: encodingsFor(track, source, kind),
    });
    this.#publications.add(publication);
  }

  /** Ends a send-only m-line; the caller negotiates. */
  remove(publication) {
    if (!this.#publications.delete(publication)) return;
    publication.transceiver.stop?.();
    publication.transceiver = publication.id = null;
  }

  /** The server lacks that many slots beyond its last answer; the caller negotiates. */
  growSlots({ audio, video }) {
    this.slots.grow("audio", this.#answered.audio + audio);
    this.slots.grow("video", this.#answered.video + video);
  }

  /** Settles when everything that was changed before this call has been answered. */
  negotiate() {
    this.#queued ??= this.#running
      .catch(() => {}) // whoever asked for that round has heard of it
      .then(() => {
        this.#running = this.#queued;
        this.#queued = null;
        return this.#round();
      });
    return this.#queued;
  }

  /** Newer passwords of TURN servers: the next ICE restart uses them. */
  setIceServers(iceServers) {
    this.connection.setConfiguration({ ...this.connection.getConfiguration(), iceServers });
  }

  /** Bytes that have arrived on all paths so far, and how many milliseconds ago the last of them (0 where a browser does not say). */
  async arrivals() {
    const report = await this.connection.getStats();
    const pairs = [...report.values()].filter(({ type, bytesReceived }) => type === "candidate-pair" && bytesReceived);
    const bytes = pairs.reduce((sum, { bytesReceived }) => sum + bytesReceived, 0);
    const ages = pairs.map(({ timestamp, lastPacketReceivedTimestamp = timestamp }) => timestamp - lastPacketReceivedTimestamp);
    return { bytes, age: Math.max(0, Math.min(...ages)) };
  }

  restartIce() {
    this.connection.restartIce();
    return this.negotiate();
  }

  close() {
    this.#closed = true;
    this.connection.onconnectionstatechange = null;
    this.connection.close();
  }

  async #round() {
    this.#assertOpen();
    const connection = this.connection;
    await connection.setLocalDescription();
    const slots = this.slots.offered();
    // What was added while the browser made the description is not in it; whoever added it asks for another round.
    const described = [...this.#publications].filter(({ transceiver }) => transceiver.mid !== null);
    const offered = described.map((publication) => ({ publication, muted: publication.muted }));
    try {
      const answer = await this.#exchange({
        connection: this.id,
        sdp: connection.localDescription.sdp,
        tracks: offered.map(({ publication, muted }) => ({
          mid: publication.transceiver.mid,
          source: publication.source,
          muted,
        })),
      });
      this.#assertOpen();
      this.#answered = slots;
      this.#recognise(answer.sdp);
      await connection.setRemoteDescription({ type: "answer", sdp: answer.sdp });
      this.#name(offered, answer.tracks);
      this.#watch();
    } catch (error) {
      if (connection.signalingState === "have-local-offer") await connection.setLocalDescription({ type: "rollback" });
      throw error instanceof MeetingError ? error : new MeetingError(CLIENT_CODES.MEDIA_FAILED, error.message);
    }
  }

  #name(offered, tracks) {
    const ids = new Map(tracks.map(({ mid, id }) => [mid, id]));
    for (const { publication, muted } of offered) {
      if (!publication.transceiver) continue; // removed meanwhile
      publication.id = ids.get(publication.transceiver.mid) ?? null;
      publication.told = muted;
    }
  }

  /** A server that gave our connection up answers from a new one, which our DTLS session cannot talk to. */
  #recognise(sdp) {
    const session = /^o=\S+ (\d+)/m.exec(sdp)?.[1] ?? null;
    const known = this.#session;
    this.#session = session;
    if (known === null || known === session) return;
    this.#lose();
    throw new MeetingError(CLIENT_CODES.MEDIA_FAILED, "the server had given the connection up");
  }

  /** The server ends DTLS when it gives up; browsers report that here and not always as the connection's state. */
  #watch() {
    const transport = this.connection.sctp?.transport ?? this.connection.getTransceivers()[0]?.sender.transport;
    if (!transport || transport === this.#watched) return;
    this.#watched = transport;
    transport.addEventListener("statechange", () => {
      if (!this.#closed && ["closed", "failed"].includes(transport.state)) this.#lose();
    });
  }

  #lose() {
    this.lost = true;
    this.#emit("lost");
  }

  #assertOpen() {
    if (this.#closed) throw new MeetingError(CLIENT_CODES.CLOSED);
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
