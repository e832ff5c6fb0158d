// Stands in for server, network and devices while pictures of the page are taken: sixteen browsers that really send
// video do not fit on one machine. It runs before the page and reads `window.scenario`:
// {people: [{name, video, muted, screen}], devices: "given" | "denied" | "missing", refuse: code | null,
//  unreachable: bool, dropAfterMs: number, speaker: index, admin: bool, state: object, waiting: [...], wait: bool,
//  api: {path below /api/v1/: answer}}. Layout only: tests of behaviour run against the real server.

(() => {
  const scenario = window.scenario;
  const SKIN = ["#f1c9a5", "#c98f62", "#8d5a3b", "#e0ac7e", "#5f3b26", "#f5d7bd"];
  const WALL = ["#7f99a8", "#a8937f", "#7fa88f", "#8f86a6", "#a87f86", "#6f8fa0"];
  const SHIRT = ["#2f4a63", "#7a3b3b", "#30594a", "#5a4a78", "#8a6a2c", "#39424e"];

  function drawPerson(context, index, width, height, step) {
    const of = (colours, shift) => colours[(index + shift) % colours.length];
    const wall = context.createLinearGradient(0, 0, width, height);
    wall.addColorStop(0, of(WALL, 0));
    wall.addColorStop(1, "#2e363d");
    context.fillStyle = wall;
    context.fillRect(0, 0, width, height);
    const x = width / 2 + Math.sin(step / 3 + index) * 4;
    const unit = height / 10;
    context.fillStyle = of(SHIRT, 2);
    context.beginPath();
    context.ellipse(x, height + unit, unit * 3.4, unit * 3.6, 0, 0, 2 * Math.PI);
    context.fill();
    context.fillStyle = of(SKIN, 1);
    context.fillRect(x - unit * 0.6, unit * 6, unit * 1.2, unit * 2);
    context.beginPath();
    context.ellipse(x, unit * 4.7, unit * 1.55, unit * 2, 0, 0, 2 * Math.PI);
    context.fill();
    context.fillStyle = of(["#2b1d14", "#5d3b1e", "#1a1a1a", "#8a6a3a"], index);
    context.beginPath();
    context.ellipse(x, unit * 3.6, unit * 1.7, unit * 1.35, 0, Math.PI, 2 * Math.PI);
    context.fill();
  }

  function drawScreen(context, width, height) {
    context.fillStyle = "#fbfbf9";
    context.fillRect(0, 0, width, height);
    context.fillStyle = "#22313a";
    context.font = `600 ${height / 16}px sans-serif`;
    context.fillText("Forwarding, a quarter in figures", width * 0.06, height * 0.13);
    [0.42, 0.55, 0.5, 0.68, 0.74, 0.9].forEach((share, index) => {
      context.fillStyle = index === 5 ? "#0d6b63" : "#9fc4be";
      context.fillRect(width * (0.07 + index * 0.145), height * (0.93 - share * 0.7), width * 0.1, height * share * 0.7);
    });
  }

  function picture(draw, width = 640, height = 360) {
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const context = canvas.getContext("2d");
    const track = canvas.captureStream(4).getVideoTracks()[0];
    let step = 0;
    const paint = () => draw(context, width, height, step++);
    paint();
    setInterval(paint, 300);
    return track;
  }

  const person = (index) => picture((context, width, height, step) => drawPerson(context, index, width, height, step));
  const silence = () => new AudioContext().createMediaStreamDestination().stream.getAudioTracks()[0];

  const people = scenario.people.map((one, index) => ({ id: `p_${index}`, ...one }));
  const viewOf = ({ id, name, video, muted, screen, hand = null, admin = false }) => ({
    id,
    name,
    hand,
    admin,
    tracks: [
      { id: `${id}_mic`, kind: "audio", source: "microphone", muted: Boolean(muted) },
      ...(video ? [{ id: `${id}_cam`, kind: "video", source: "camera", muted: false }] : []),
      ...(screen ? [{ id: `${id}_scr`, kind: "video", source: "screen", muted: false }] : []),
    ],
  });
  const wanted = people.flatMap((one, index) => [
    ...(one.video ? [{ track: `${one.id}_cam`, participant: one.id, make: () => person(index + 1) }] : []),
    ...(one.screen ? [{ track: `${one.id}_scr`, participant: one.id, make: () => picture(drawScreen, 1280, 720) }] : []),
  ]);
  let filled = 0;
  const filling = [];

  let peer = null; // the last one
  let said = 0; // messages of the others

  class Peer extends EventTarget {
    connectionState = "new";
    signalingState = "stable";
    transceivers = [];
    addTransceiver(what, { direction }) {
      peer = this;
      const kind = typeof what === "string" ? what : what.kind;
      const slot = direction === "recvonly" && kind === "video" ? wanted[filled++] : null;
      const mid = String(this.transceivers.length);
      if (slot) filling.push({ mid, kind, track: slot.track, participant: slot.participant });
      const track = slot ? slot.make() : kind === "audio" ? silence() : picture(() => {});
      const transceiver = { mid, kind, direction, receiver: { track }, sender: { replaceTrack: async () => {} }, stop() {} };
      this.transceivers.push(transceiver);
      return transceiver;
    }
    createDataChannel(label) {
      const channel = { readyState: "open" };
      const say = (message) => channel.onmessage({ data: JSON.stringify(message) });
      channel.send = (text) => {
        const { ref, retract, ...message } = JSON.parse(text);
        if (!ref) return;
        const answer = { id: `m_${ref}`, from: "p_me", name: "Ana Braga", at_ms: Date.now(), ...message };
        setTimeout(() => say(scenario.chatRefuses ? { error: scenario.chatRefuses, ref } : { ref, ...answer }));
      };
      if (label === "chat") window.standInChat = (message) => say({ ...(message.text ? { id: `m_${++said}` } : {}), ...message });
      if (label === "reactions") window.standInReaction = say;
      setTimeout(() => channel.onopen(), 20);
      return channel;
    }
    async setLocalDescription() {
      this.localDescription = { sdp: "v=0" };
    }
    async setRemoteDescription() {
      this.connectionState = "connected";
      setTimeout(() => this.onconnectionstatechange?.(), 10);
    }
    getTransceivers() {
      return [];
    }
    restartIce() {}
    close() {}
    async getStats() {
      const entries = [{ id: "T", type: "transport", selectedCandidatePairId: "P", srtpCipher: "AES_128_GCM" },
        { id: "P", type: "candidate-pair", currentRoundTripTime: 0.024, availableOutgoingBitrate: 2_400_000, localCandidateId: "L" },
        { id: "L", type: "local-candidate", protocol: "udp", candidateType: "host" }];
      const seconds = (this.startedAt ??= performance.now() - 1_000, (performance.now() - this.startedAt) / 1_000);
      const bytes = (kind) => Math.round(seconds * (kind === "video" ? 150_000 : 5_000));
      const picture = { frameWidth: 640, frameHeight: 360, framesPerSecond: 30 };
      for (const [kind, mimeType] of [["audio", "audio/opus"], ["video", "video/VP8"]]) entries.push({ id: `C${kind}`, type: "codec", mimeType });
      const common = (mid, kind, index) => ({ id: mid, mid, kind, codecId: `C${kind}`, timestamp: performance.now(), ...(kind === "video" ? picture : {}),
        packetsLost: Math.round([0, 0, 3, 0, 14][index % 5] * seconds), packetsReceived: Math.round(100 * seconds), jitter: 0.004,
        bytesReceived: bytes(kind) });
      filling.forEach(({ mid, kind }, index) => entries.push({ ...common(mid, kind, index), type: "inbound-rtp" }));
      this.transceivers.filter(({ direction }) => direction === "sendonly").forEach(({ mid, kind }) =>
        entries.push({ ...common(mid, kind, 0), type: "outbound-rtp", bytesSent: bytes(kind) }));
      return new Map(entries.map((entry) => [entry.id, entry]));
    }
  }

  class Line extends EventTarget {
    constructor() {
      super();
      setTimeout(() => (scenario.unreachable ? this.onclose() : this.onopen()), 60);
    }
    send(text) {
      const message = JSON.parse(text);
      if (message.type === "join") this.join(message);
      if (message.type === "offer") this.answer(message);
      if (message.type === "ping") this.say({ type: "pong", id: message.id });
      if (message.type === "leave") this.say({ type: "closed", reason: "left" });
    }
    join({ name }) {
      window.standInSay = (message) => this.say(message);
      if (scenario.wait) return this.say({ type: "waiting", room: "tea-at-five", id: "w_1", resume: "r" });
      if (scenario.refuse) return this.say({ type: "error", code: scenario.refuse, message: "", fatal: true });
      this.say({
        type: "welcome",
        room: "tea-at-five",
        participant: { id: "p_me", name, tracks: [] },
        resume: "r",
        resumed: false,
        participants: people.map(viewOf),
        permissions: { publish: true, subscribe: true, data: true, admin: Boolean(scenario.admin) },
        ice_servers: [],
        direct_ice_servers: [],
        limits: { file_bytes: 26_214_400 },
        ...(scenario.state ? { state: scenario.state } : {}),
      });
      if (scenario.waiting) this.say({ type: "waiting_list", waiting: scenario.waiting });
      if (scenario.dropAfterMs) setTimeout(() => ((scenario.unreachable = true), this.onclose()), scenario.dropAfterMs);
    }
    answer({ id, tracks }) {
      this.say({ type: "answer", id, sdp: "v=0", tracks: tracks.map(({ mid }) => ({ mid, id: `t_${mid}` })) });
      const asked = new Set(peer.transceivers.filter(({ direction }) => direction === "recvonly").map(({ mid }) => mid));
      this.say({ type: "slots", slots: filling.filter(({ mid }) => asked.has(mid)) });
      const speaker = people[scenario.speaker]?.id;
      this.say({ type: "speakers", participants: speaker ? [speaker] : [] });
    }
    say(message) {
      setTimeout(() => this.onmessage({ data: JSON.stringify(message) }));
    }
    close() {}
  }

  const refusal = { denied: "NotAllowedError", missing: "NotFoundError" }[scenario.devices];
  navigator.mediaDevices.getUserMedia = async ({ audio, video }) => {
    if (refusal) throw new DOMException("no", refusal);
    return new MediaStream([...(audio ? [silence()] : []), ...(video ? [person(0)] : [])]);
  };
  const devices = [["audioinput", "Built-in microphone"], ["videoinput", "Built-in camera"], ["audiooutput", "Built-in speakers"]];
  navigator.mediaDevices.enumerateDevices = async () =>
    refusal === "NotFoundError" ? [] : devices.map(([kind, label]) => ({ kind, label, deviceId: kind }));
  const GROWING = new Set(["bytes", "packets", "dropped", "nacks", "keyframe_requests", "retransmissions", "bytes_received", "bytes_sent"]);
  const GROWTH = 1e-5; // of a counter, a second
  const LOOK_S = 2;
  let looks = 0;

  /** Counters as they stand some seconds later. */
  function later(answer, seconds, growing = false) {
    if (typeof answer === "number" && growing) return Math.round(answer * (1 + GROWTH * seconds));
    if (Array.isArray(answer)) return answer.map((one) => later(one, seconds, growing));
    if (answer === null || typeof answer !== "object") return answer;
    return Object.fromEntries(Object.entries(answer).map(([key, one]) => [key, later(one, seconds, growing || GROWING.has(key))]));
  }

  /** Every look at the server is two seconds after the one before, on a day with ups and downs. */
  function serverLater(answer) {
    const seconds = ++looks * LOOK_S;
    const busy = seconds + 0.8 * Math.sin(seconds / 3) + 0.3 * Math.sin(seconds);
    const lag = answer.event_loop_lag_s * (1 + 0.3 * Math.sin(seconds) ** 3);
    return { ...later(answer, busy), now_us: answer.now_us + seconds * 1e6, event_loop_lag_s: lag };
  }
  const nativeFetch = window.fetch.bind(window);
  window.fetch = async (url, options) => {
    const asked = /\/api\/v1\/(.+)$/.exec(url)?.[1];
    if (!asked) return nativeFetch(url, options);
    const answer = scenario.api?.[asked];
    if (answer?.now_us) return Response.json(serverLater(answer));
    return answer ? Response.json(later(answer, performance.now() / 1_000)) : Response.json({ code: "token_required", message: "" }, { status: 401 });
  };
  window.RTCPeerConnection = scenario.unsupported ? undefined : Peer;
  window.WebSocket = Line;
})();
