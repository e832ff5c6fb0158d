// Everything that this participant sends, by source. Keeps it while peer connections come and go, and keeps the
// server's idea of what is muted in step. It negotiates through the peer that it was last given.

import { Publication } from "./publication.js";

export class Publications {
  #bySource = new Map();
  #peer = null;
  #tell;
  #onEnded;
  #copy = null;
  #resting = new Set(); // sources

  /** @param {(message: object) => boolean} tell  @param {(source: string) => void} onEnded  a device or a share ended by itself */
  constructor(tell, onEnded) {
    this.#tell = tell;
    this.#onEnded = onEnded;
  }

  /** Moves to a new peer connection, or to none (null); what is not allowed is dropped. The caller negotiates.
   *  @param {(source: string) => boolean} [may] */
  attach(peer, may = () => true) {
    this.#peer = peer;
    for (const publication of this.list()) {
      publication.id = publication.transceiver = null;
      if (!may(publication.source)) this.#drop(publication);
      else if (peer) this.#add(peer, publication);
    }
  }

  /** Tells of every track that is sent from now on. @param {((source: string, track: MediaStreamTrack | null) => void) | null} copy */
  copyTo(copy) {
    this.#copy = copy;
  }

  /** While it rests a source is published as ever, but nothing of it is sent to the server. */
  rest(source, on) {
    if (on) this.#resting.add(source);
    else this.#resting.delete(source);
    this.#bySource.get(source)?.rest(on);
  }

  async publish(track, source, muted) {
    const known = this.#bySource.get(source);
    if (known) {
      await this.replaceTrack(source, track);
      return this.setMuted(source, muted);
    }
    const publication = new Publication(track, source, muted, () => this.#onEnded(source));
    this.#bySource.set(source, publication);
    this.#copy?.(source, track);
    const peer = this.#peer;
    if (!peer) return undefined; // the first offer takes it along
    this.#add(peer, publication);
    try {
      await peer.negotiate();
    } catch (error) {
      if (peer.lost || peer !== this.#peer) return undefined; // the next peer takes it over
      this.#drop(publication);
      throw error;
    }
    return this.sync();
  }

  async unpublish(source) {
    const publication = this.#bySource.get(source);
    if (!publication) return;
    const peer = this.#peer;
    this.#drop(publication);
    await peer?.negotiate();
  }

  replaceTrack(source, track) {
    this.#copy?.(source, track);
    return this.#bySource.get(source)?.replace(track);
  }

  setMuted(source, muted) {
    this.#bySource.get(source)?.setMuted(muted);
    this.sync();
  }

  /** The server forwards this track no longer: it is muted, and the server knows. @param {string} id  of the track */
  silenced(id) {
    const publication = this.list().find((one) => one.id === id);
    if (!publication) return;
    publication.setMuted(true);
    publication.told = true;
  }

  /** Tells the server of every mute that it does not know yet. */
  sync() {
    for (const publication of this.#bySource.values()) {
      const { id, muted, told } = publication;
      if (id && muted !== told && this.#tell({ type: "mute", track: id, muted })) publication.told = muted;
    }
  }

  /** [{source, kind, track, muted, transceiver}] */
  list() {
    return [...this.#bySource.values()];
  }

  #add(peer, publication) {
    peer.add(publication);
    if (this.#resting.has(publication.source)) publication.rest(true);
  }

  #drop(publication) {
    this.#copy?.(publication.source, null);
    this.#bySource.delete(publication.source);
    publication.release();
    this.#peer?.remove(publication);
  }
}
