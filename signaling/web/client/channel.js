// One data channel with JSON texts through the server, and what could not be sent yet. Never binary.

const QUEUE_LIMIT = 32; // texts waiting for the channel to open

export class TextChannel extends EventTarget {
  #channel;
  #waiting = [];

  /** @param {RTCPeerConnection} connection  @param {string} label */
  constructor(connection, label) {
    super();
    this.#channel = connection.createDataChannel(label, { ordered: true });
    this.#channel.onopen = () => {
      for (const text of this.#waiting.splice(0)) this.#channel.send(text);
      this.dispatchEvent(new Event("open"));
    };
    this.#channel.onclose = () => this.dispatchEvent(new Event("close"));
    this.#channel.onmessage = ({ data }) => this.#receive(data);
  }

  get open() {
    return this.#channel.readyState === "open";
  }

  /** False when it can neither be sent nor kept. */
  send(value) {
    const text = JSON.stringify(value);
    if (this.open) this.#channel.send(text);
    else if (this.#channel.readyState === "connecting" && this.#waiting.length < QUEUE_LIMIT) this.#waiting.push(text);
    else return false;
    return true;
  }

  #receive(data) {
    let value;
    try {
      value = JSON.parse(data);
    } catch {
      return; // not from a client of ours
    }
    this.dispatchEvent(new CustomEvent("text", { detail: value }));
  }
}
