// Plain WHIP and WHEP with nothing but fetch and RTCPeerConnection, and a sample of getStats. No code of the server's is used.

const KEPT = new Set(["inbound-rtp", "outbound-rtp", "media-source", "transport", "codec", "remote-inbound-rtp"]);

globalThis.connections = [];

globalThis.sample = async () => {
  const found = [];
  for (const connection of globalThis.connections) {
    if (connection.connectionState === "closed") continue;
    for (const stat of (await connection.getStats()).values()) {
      if (KEPT.has(stat.type)) found.push({ ...stat });
    }
  }
  return found;
};

function gathered(connection) {
  return new Promise((resolve) => {
    const check = () => connection.iceGatheringState === "complete" && resolve();
    connection.addEventListener("icegatheringstatechange", check);
    check();
  });
}

async function exchange(connection, url, headers = {}, tcpOnly = false) {
  globalThis.connections.push(connection);
  await connection.setLocalDescription();
  await gathered(connection);
  const response = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/sdp", ...headers },
    body: connection.localDescription.sdp,
  });
  const text = await response.text();
  if (response.status !== 201) throw new Error(`${response.status}: ${text}`);
  const udp = /^a=candidate:\S+ 1 udp .*\r\n/gm;
  await connection.setRemoteDescription({ type: "answer", sdp: tcpOnly ? text.replace(udp, "") : text });
  return { location: new URL(response.headers.get("Location"), url).href, etag: response.headers.get("ETag"), answer: text };
}

function preferred(kind, mimeType) {
  const codecs = RTCRtpReceiver.getCapabilities(kind).codecs;
  return [...codecs.filter((codec) => codec.mimeType === mimeType), ...codecs.filter((codec) => codec.mimeType !== mimeType)];
}

// WHIP. options: width, height, frameRate, codec (MIME type), simulcast (rids, smallest first: each has twice the size of the one
// before; Chromium sends two for up to 640 × 360, three from 960 × 540), audio (false to leave it out), tcpOnly (take no UDP candidate).
globalThis.publish = async (url, options = {}) => {
  const { width = 320, height = 240, frameRate = 20, codec, simulcast = [], audio = true, headers, tcpOnly } = options;
  const media = await navigator.mediaDevices.getUserMedia({ audio, video: { width, height, frameRate } });
  const connection = new RTCPeerConnection();
  for (const track of media.getTracks()) {
    const init = { direction: "sendonly", streams: [media] };
    if (simulcast.length > 0 && track.kind === "video") {
      init.sendEncodings = simulcast.map((rid, n) => ({ rid, scaleResolutionDownBy: 2 ** (simulcast.length - 1 - n) }));
    }
    const transceiver = connection.addTransceiver(track, init);
    if (codec && track.kind === "video") transceiver.setCodecPreferences(preferred("video", codec));
  }
  return exchange(connection, url, headers, tcpOnly);
};

// WHEP. One <video> for the streams; options: audio, video (how many m-lines of each).
globalThis.watch = async (url, options = {}) => {
  const { audio = 1, video = 1, headers, tcpOnly } = options;
  const connection = new RTCPeerConnection();
  for (let n = 0; n < audio; n += 1) connection.addTransceiver("audio", { direction: "recvonly" });
  for (let n = 0; n < video; n += 1) connection.addTransceiver("video", { direction: "recvonly" });
  connection.addEventListener("track", ({ track, streams }) => {
    const element = document.createElement(track.kind);
    element.autoplay = true;
    element.playsInline = true;
    element.srcObject = streams[0] ?? new MediaStream([track]);
    document.body.append(element);
  });
  return exchange(connection, url, headers, tcpOnly);
};

globalThis.hangUp = () => {
  for (const connection of globalThis.connections.splice(0)) connection.close();
};
