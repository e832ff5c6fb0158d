// getStats boiled down to what a person may want to know. Bitrates are over the time since the summary before.

export class Statistics {
  #bytes = new Map(); // stats id → {bytes, at}

  /**
   * {path: {direct, rttMs, availableOutKbps, protocol, local, remote}, sent: [{source, …}], received: [{track, participant, …}]};
   * what goes directly between two is told of that connection.
   * @param {RTCPeerConnection | undefined} connection  @param {RTCPeerConnection | undefined} direct
   */
  async summarise(connection, slots, publications, direct) {
    if (!connection) return { path: null, sent: [], received: [] };
    const server = new Report("server", await connection.getStats());
    const other = direct ? new Report("direct", await direct.getStats()) : null;
    const sent = publications.flatMap(({ source, kind, transceiver }) => {
      const directly = other && ["camera", "microphone"].includes(source);
      const found = directly ? other.streams("outbound-rtp", { kind }) : transceiver ? server.streams("outbound-rtp", transceiver) : [];
      return found.map((entry) => ({
        source,
        rid: entry.rid,
        ...this.#media(entry, entry.bytesSent, directly ? other : server),
        limited: entry.qualityLimitationReason,
        lossPercent: 100 * ((directly ? other : server).find(entry.remoteId)?.fractionLost ?? 0),
      }));
    });
    const received = slots
      .filter((slot) => slot.track)
      .flatMap(({ mid, kind, track, participant, way }) => {
        const report = way === "direct" && other ? other : server;
        return report
          .streams("inbound-rtp", report === other ? { kind } : { mid })
          .map((entry) => ({ track, participant, ...this.#media(entry, entry.bytesReceived, report), ...quality(entry) }));
      });
    return { path: path(other ?? server), sent, received };
  }

  #media(entry, bytes = 0, { way, find }) {
    const id = `${way} ${entry.id}`;
    const before = this.#bytes.get(id);
    this.#bytes.set(id, { bytes, at: entry.timestamp });
    const elapsed = before ? entry.timestamp - before.at : 0;
    return {
      kind: entry.kind,
      codec: find(entry.codecId)?.mimeType.split("/")[1] ?? null,
      kbps: elapsed > 0 ? Math.round(((bytes - before.bytes) * 8) / elapsed) : 0,
      width: entry.frameWidth ?? 0,
      height: entry.frameHeight ?? 0,
      fps: Math.round(entry.framesPerSecond ?? 0),
    };
  }
}

function quality({ packetsLost = 0, packetsReceived = 0, jitter = 0, framesDecoded = 0, freezeCount = 0 }) {
  const expected = packetsLost + packetsReceived;
  return {
    lost: packetsLost,
    packets: packetsReceived,
    lossPercent: expected > 0 ? Math.max(0, (100 * packetsLost) / expected) : 0,
    jitterMs: Math.round(jitter * 1000),
    framesDecoded,
    freezeCount,
  };
}

/** What getStats said of one connection. */
class Report {
  constructor(way, report) {
    this.way = way;
    this.all = [...report.values()];
    this.find = (id) => (id ? report.get(id) : undefined);
  }

  streams(type, { mid, kind }) {
    return this.all.filter((entry) => entry.type === type && (mid === undefined ? entry.kind === kind : entry.mid === mid));
  }
}

function path({ way, all, find }) {
  const transport = all.find((entry) => entry.type === "transport");
  const pair = find(transport?.selectedCandidatePairId) ?? all.find((entry) => entry.selected); // Firefox has no transport
  if (!pair) return null;
  const local = find(pair.localCandidateId);
  const protocol = local?.protocol ?? null;
  return {
    direct: way === "direct",
    rttMs: Math.round((pair.currentRoundTripTime ?? 0) * 1000),
    availableOutKbps: Math.round((pair.availableOutgoingBitrate ?? 0) / 1000),
    protocol,
    local: local?.candidateType ?? null,
    remote: find(pair.remoteCandidateId)?.candidateType ?? null,
    cipher: transport?.srtpCipher ?? null,
  };
}
