// Put into a page of the product: what a person at it sees of and hears from one other person, measured without the page's help.
// `senses(name)` begins; each of its figures is the worst so far. Statistics name the ways: the first connection is the server's.

globalThis.senses = (name) => {
  const LOOK_MS = 20;
  const LISTEN_MS = 40;
  const nothing = () => ({ looks: 0, blackMs: 0, silentMs: 0, lateMs: 0, concealed: 0, heardPackets: 0, ways: [] });
  const found = nothing();
  const canvas = new OffscreenCanvas(16, 9);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  let lookedAt = performance.now();
  let seenAt = performance.now();
  let heardAt = performance.now();
  let before = null;

  const bright = (video) => {
    if (!video?.videoWidth) return false;
    context.fillStyle = "black";
    context.fillRect(0, 0, 16, 9);
    context.drawImage(video, 0, 0, 16, 9);
    return context.getImageData(0, 0, 16, 9).data.some((value, index) => index % 4 !== 3 && value > 40);
  };
  const look = () => {
    const tile = document.querySelector(`li.tile.playing[aria-label="${name}"]`);
    const now = performance.now();
    if (tile?.checkVisibility() && bright(tile.querySelector("video"))) seenAt = now;
    found.looks += 1;
    found.lateMs = Math.max(found.lateMs, now - lookedAt - LOOK_MS);
    lookedAt = now;
    found.blackMs = Math.max(found.blackMs, now - seenAt);
  };

  const audio = async (connection, mid) => {
    const all = [...(await connection.getStats()).values()];
    const stat = all.find((s) => s.type === "inbound-rtp" && s.kind === "audio" && (mid === null || s.mid === mid));
    return stat ? { packets: stat.packetsReceived, concealed: stat.concealedSamples - stat.silentConcealedSamples } : null;
  };
  const listen = async () => {
    const [server, ...others] = connections;
    const path = others.find(({ connectionState }) => connectionState === "connected");
    const slot = ciranda.slots().find((s) => s.kind === "audio" && ciranda.participants.get(s.participant)?.name === name);
    const now = {
      way: ciranda.way,
      server: slot ? await audio(server, slot.mid) : null,
      direct: path ? await audio(path, null) : null,
    };
    const at = performance.now();
    const [old, current] = [before?.[now.way], now[now.way]];
    if (old && current) {
      if (current.packets > old.packets) heardAt = at;
      found.heardPackets += current.packets - old.packets;
      found.concealed += current.concealed - old.concealed;
    }
    if (before?.way !== now.way) {
      found.ways.push({ way: now.way, at });
      // The change was somewhere between two looks: what was concealed meanwhile on the way that is left counts, too.
      const [left, leaving] = [before?.[before.way], now[before?.way]];
      if (left && leaving) found.concealed += leaving.concealed - left.concealed;
    }
    found.silentMs = Math.max(found.silentMs, at - heardAt);
    before = now;
  };
  let listening = false;
  const timers = [
    setInterval(look, LOOK_MS),
    setInterval(async () => {
      if (listening) return;
      listening = true;
      await listen().finally(() => (listening = false));
    }, LISTEN_MS),
  ];
  return {
    found,
    /** Figures begin anew. */
    again() {
      Object.assign(found, nothing());
      seenAt = heardAt = performance.now();
    },
    stop: () => timers.forEach(clearInterval),
  };
};
