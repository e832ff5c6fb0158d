// getStats boiled down to what a person may want to know. Bitrates are over the time since the summary before.

export class Statistics {
  #bytes = new Map(); // stats id → {bytes, at}

  /**
   * {path: {rttMs, availableOutKbps, protocol, local, remote}, sent: [{source, …}], received: [{track, participant, …}]}
   * @param {RTCPeerConnection | undefined} connection
   */
  async summarise(connection, slots, publications) {
    if (!connection) return { path: null, sent: [], received: [] };
    const report = await connection.getStats();
    const all = [...report.values()];
    const find = (id) => (id ? report.get(id) : undefined);
    const sent = publications.flatMap(({ source, transceiver }) =>
      all
        .filter((entry) => entry.type === "outbound-rtp" && transceiver && entry.mid === transceiver.mid)
        .map((entry) => ({
          source,
          rid: entry.rid,
          ...this.#media(entry, entry.bytesSent, find),
          limited: entry.qualityLimitationReason,
          lossPercent: 100 * (find(entry.remoteId)?.fractionLost ?? 0),
        })),
    );
    const received = slots
      .filter((slot) => slot.track)
      .flatMap(({ mid, track, participant }) =>
        all
          .filter((entry) => entry.type === "inbound-rtp" && entry.mid === mid)
          .map((entry) => ({ track, participant, ...this.#media(entry, entry.bytesReceived, find), ...quality(entry) })),
      );
    return { path: path(all, find), sent, received };
  }

  #media(entry, bytes = 0, find) {
    const before = this.#bytes.get(entry.id);
    this.#bytes.set(entry.id, { bytes, at: entry.timestamp });
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

function path(all, find) {
  const transport = all.find((entry) => entry.type === "transport");
  const pair = find(transport?.selectedCandidatePairId) ?? all.find((entry) => entry.selected); // Firefox has no transport
  if (!pair) return null;
  const local = find(pair.localCandidateId);
  return {
    rttMs: Math.round((pair.currentRoundTripTime ?? 0) * 1000),
    availableOutKbps: Math.round((pair.availableOutgoingBitrate ?? 0) / 1000),
    protocol: local?.protocol ?? null,
    local: local?.candidateType ?? null,
    remote: find(pair.remoteCandidateId)?.candidateType ?? null,
    cipher: transport?.srtpCipher ?? null,
  };
}
