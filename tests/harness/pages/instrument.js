// Put before a page's own scripts: remembers the peer connections that were ever to connect, keeps the page's camera small (software
// encoders share two cores) and samples getStats of the connections to servers (those are ICE-lite; one to another browser is not).
// The page itself is untouched.

(() => {
  const KEPT = new Set(["inbound-rtp", "outbound-rtp", "media-source", "transport", "codec", "remote-inbound-rtp"]);
  const connections = [];
  const Native = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Native {
    setLocalDescription(...args) {
      if (!connections.includes(this)) connections.push(this);
      return super.setLocalDescription(...args);
    }
  };
  globalThis.smallCamera = { width: 480, height: 270, frameRate: 15 };
  const devices = globalThis.navigator.mediaDevices;
  if (devices) {
    const native = devices.getUserMedia.bind(devices);
    devices.getUserMedia = (constraints) => native({ ...constraints, ...(constraints?.video ? { video: { ...constraints.video, ...smallCamera } } : {}) });
  }
  const direct = ({ remoteDescription }) => remoteDescription !== null && !remoteDescription.sdp.includes("a=ice-lite");
  globalThis.connections = connections;
  globalThis.sample = async () => {
    const found = [];
    for (const connection of connections) {
      if (connection.connectionState === "closed" || direct(connection)) continue;
      for (const stat of (await connection.getStats()).values()) if (KEPT.has(stat.type)) found.push({ ...stat });
    }
    return found;
  };
})();
