// The way from one browser to the other: a second RTCPeerConnection with two m-lines, microphone and camera, which are there from
// the start whatever is published, so that nothing is ever negotiated twice. It knows neither the server nor the room.
//
// Events: "say" ({step, sdp | candidate}: for the other side), "state" (the connection's state), "broken" (it cannot work).

const KINDS = { microphone: "audio", camera: "video" };
const BITS = { audio: 48_000, video: 1_700_000 }; // as much as the server would get of the best layer

// What a stranger's candidates may make this browser do: send checks by UDP to a numeric address, or to one that a browser hides
// by mDNS. Never open TCP connections, never ask name servers.
const CANDIDATE = /^(?:a=)?candidate:\S+ 1 udp \d+ (?:[\d.]+|[\da-f:.]*:[\da-f:.]*|[\da-f-]+\.local) \d+ typ (?:host|srflx|prflx|relay)(?: |$)/i;
const MOST_CANDIDATES = 64; // in a description; by browsers' trickling there are none

/** The description without candidates that this browser shall not try. Anything but the two m-lines is an error. */
export function plain(sdp) {
  const lines = sdp.split(/\r?\n/);
  const kinds = lines.filter((line) => line.startsWith("m=")).map((line) => /^m=(\w*)/.exec(line)[1]);
  if (kinds.join() !== "audio,video") throw new Error(`a description of ${kinds.length} m-lines`);
  let left = MOST_CANDIDATES;
  return lines.filter((line) => !line.startsWith("a=candidate:") || (CANDIDATE.test(line) && left-- > 0)).join("\r\n");
}

export class DirectPath extends EventTarget {
  #senders = {}; // kind → RTCRtpSender
  #tracks; // kind → MediaStreamTrack | null
  #stream = new MediaStream(); // browsers lip-sync what shares a stream
  #work = Promise.resolve();
  #closed = false;
  #sendsVideo = true;

  /** @param {RTCIceServer[]} iceServers  @param {{microphone?: MediaStreamTrack, camera?: MediaStreamTrack}} tracks */
  constructor(iceServers, { microphone = null, camera = null } = {}) {
    super();
    this.#tracks = { audio: microphone, video: camera };
    this.connection = new RTCPeerConnection({
      iceServers,
      bundlePolicy: "max-bundle",
      rtcpMuxPolicy: "require",
    });
    this.connection.onicecandidate = ({ candidate }) => {
      if (candidate?.candidate && candidate.protocol !== "tcp") this.#say("candidate", { candidate: candidate.candidate });
    };
    this.connection.onconnectionstatechange = () => this.#emit("state", this.connection.connectionState);
  }

  get state() {
    return this.connection.connectionState;
  }

  /** What comes from the other side, once there is an m-line for it. @param {"audio" | "video"} kind */
  track(kind) {
    return this.#transceiver(kind)?.receiver.track ?? null;
  }

  offer() {
    this.#do(async (connection) => {
      for (const kind of ["audio", "video"]) {
        const { sender } = connection.addTransceiver(this.#tracks[kind] ?? kind, {
          direction: "sendrecv",
          streams: [this.#stream],
          sendEncodings: [{ maxBitrate: BITS[kind], active: kind === "audio" || this.#sendsVideo }],
        });
        this.#senders[kind] = sender;
      }
      await connection.setLocalDescription();
      this.#say("offer", { sdp: connection.localDescription.sdp });
    });
  }

  /** A step of the other side. */
  receive({ step, sdp, candidate, wanted }) {
    this.#do(async (connection) => {
      if (step === "offer") await this.#answer(connection, sdp);
      else if (step === "answer") await connection.setRemoteDescription({ type: "answer", sdp: plain(sdp) });
      else if (step === "candidate") await this.#try(connection, candidate);
      else if (step === "video") await this.#sendVideo(wanted !== false);
    });
  }

  /** Another device, or null while there is none; costs no negotiation. @param {"microphone" | "camera"} source */
  carry(source, track) {
    const kind = KINDS[source];
    if (!kind) return;
    this.#tracks[kind] = track;
    this.#do(() => this.#senders[kind]?.replaceTrack(track));
  }

  close() {
    this.#closed = true;
    this.connection.onicecandidate = this.connection.onconnectionstatechange = null;
    this.connection.close();
  }

  async #answer(connection, sdp) {
    await connection.setRemoteDescription({ type: "offer", sdp: plain(sdp) });
    for (const kind of ["audio", "video"]) {
      const transceiver = this.#transceiver(kind);
      transceiver.direction = "sendrecv";
      transceiver.sender.setStreams?.(this.#stream);
      this.#senders[kind] = transceiver.sender;
      await transceiver.sender.replaceTrack(this.#tracks[kind]);
    }
    await connection.setLocalDescription();
    this.#say("answer", { sdp: connection.localDescription.sdp });
    for (const kind of ["audio", "video"]) await this.#encode(kind);
  }

  /** One of many: what cannot be used is no reason to give up. */
  async #try(connection, candidate) {
    if (CANDIDATE.test(candidate)) await connection.addIceCandidate({ candidate, sdpMLineIndex: 0 }).catch(() => {});
  }

  async #sendVideo(on) {
    this.#sendsVideo = on;
    await this.#encode("video");
  }

  async #encode(kind) {
    const sender = this.#senders[kind];
    const parameters = sender?.getParameters();
    if (!parameters?.encodings?.length) return;
    Object.assign(parameters.encodings[0], { maxBitrate: BITS[kind], active: kind === "audio" || this.#sendsVideo });
    await sender.setParameters(parameters);
  }

  #transceiver(kind) {
    return this.connection.getTransceivers().find(({ receiver }) => receiver.track.kind === kind);
  }

  /** One thing after the other; whatever the other side sent that cannot be used ends this path, and nothing else. */
  #do(work) {
    this.#work = this.#work
      .then(() => (this.#closed ? undefined : work(this.connection)))
      .catch(() => !this.#closed && this.#emit("broken"));
  }

  #say(step, fields) {
    if (!this.#closed) this.#emit("say", { step, ...fields });
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
