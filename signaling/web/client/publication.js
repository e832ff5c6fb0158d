// What this participant sends from one source. It outlives peer connections: a new one takes the publications over.

export class Publication {
  /** The server's track id, null until it answered. */
  id = null;
  /** The mute state that the server knows. */
  told = false;
  /** The m-line on the present peer connection. @type {RTCRtpTransceiver | null} */
  transceiver = null;

  /** A direct path carries it: its encodings toward the server rest. */
  resting = false;

  /** @param {MediaStreamTrack} track  @param {string} source  @param {boolean} muted */
  constructor(track, source, muted, onEnded) {
    this.source = source;
    this.kind = track.kind;
    this.muted = muted;
    this._ended = () => onEnded(this);
    this._hold(track);
  }

  /** Another device or null (camera off); no renegotiation. */
  async replace(track) {
    this.track?.removeEventListener("ended", this._ended);
    this._hold(track);
    await this.transceiver?.sender.replaceTrack(track);
  }

  setMuted(muted) {
    this.muted = muted;
    if (this.track) this.track.enabled = !muted;
  }

  async rest(on) {
    this.resting = on;
    const sender = this.transceiver?.sender;
    const parameters = sender?.getParameters();
    if (!parameters?.encodings?.length) return;
    for (const encoding of parameters.encodings) encoding.active = !on;
    await sender.setParameters(parameters).catch(() => {}); // it was removed meanwhile
  }

  release() {
    this.track?.removeEventListener("ended", this._ended);
  }

  _hold(track) {
    this.track = track;
    if (!track) return;
    track.enabled = !this.muted;
    track.addEventListener("ended", this._ended);
  }
}
