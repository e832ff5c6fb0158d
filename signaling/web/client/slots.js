// The receive-only m-lines and what the server puts into each. A slot's MediaStreamTrack stays the same for as long as
// the connection lives; only its meaning changes, by `slots` messages, without renegotiation.

export class Slots {
  #connection;
  #slots = []; // {transceiver, stream, kind}
  #filled = new Map(); // mid → {track, participant}

  /** @param {RTCPeerConnection} connection */
  constructor(connection) {
    this.#connection = connection;
  }

  /** Adds receive-only m-lines up to `total`; the caller negotiates. */
  grow(kind, total) {
    while (this.count(kind) < total) {
      const transceiver = this.#connection.addTransceiver(kind, { direction: "recvonly" });
      this.#slots.push({ transceiver, kind, stream: new MediaStream([transceiver.receiver.track]) });
    }
  }

  /** Stops or starts the download of a kind; the caller negotiates. */
  receive(kind, on) {
    for (const slot of this.#slots) if (slot.kind === kind) slot.transceiver.direction = on ? "recvonly" : "inactive";
  }

  count(kind) {
    return this.#slots.filter((slot) => slot.kind === kind && slot.transceiver.direction === "recvonly").length;
  }

  /** How many of each kind the last local description held. */
  offered() {
    const held = this.#slots.filter(({ transceiver }) => transceiver.mid !== null && transceiver.direction === "recvonly");
    const audio = held.filter((slot) => slot.kind === "audio").length;
    return { audio, video: held.length - audio };
  }

  /** Takes the server's whole picture. */
  assign(slots) {
    this.#filled = new Map(slots.filter((slot) => slot.track).map((slot) => [slot.mid, slot]));
  }

  /** [{mid, kind, stream, receiver, track: id | null, participant: id | null}] */
  list() {
    return this.#slots.map(({ transceiver, kind, stream }) => {
      const filled = this.#filled.get(transceiver.mid);
      return {
        mid: transceiver.mid,
        kind,
        stream,
        receiver: transceiver.receiver,
        track: filled?.track ?? null,
        participant: filled?.participant ?? null,
      };
    });
  }
}
