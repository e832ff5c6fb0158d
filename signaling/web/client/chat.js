// The chat: texts between the people of a room over one data channel. What the server keeps for late comers comes again
// whenever the channel opens: every message has the server's id, one's own are known by a reference, and each is told once.

const MOST_KNOWN = 2_000; // ids and references; more than the server keeps
const REFERENCE_CHARACTERS = 18;

export class Chat {
  #channel = null;
  #known = new Set();
  #tell;
  #self;

  /** @param {(type: string, detail: object) => void} tell  "chat" or "chatfailed"  @param {() => {id: string, name: string}} self */
  constructor(tell, self) {
    this.#tell = tell;
    this.#self = self;
  }

  get open() {
    return this.#channel?.open ?? false;
  }

  attach(channel) {
    this.#channel = channel;
    channel?.addEventListener("text", ({ detail }) => this.#receive(detail));
  }

  /** False when it can not be sent now. @param {{to?: string, file?: object}} [more]  for one reader only; an uploaded file */
  send(text, { to = null, file = null } = {}) {
    const ref = crypto.randomUUID().slice(0, REFERENCE_CHARACTERS);
    const message = { text, ref, ...(to ? { to } : {}), ...(file ? { file: { id: file.id } } : {}) };
    if (!this.#channel?.send(message)) return false;
    this.#remember(ref);
    const { id: from, name } = this.#self();
    this.#tell("chat", { from, name, text, at: Date.now(), own: true, to, file, past: false, ref });
    return true;
  }

  #receive({ id, ref, error, from, name, text, at_ms: at, to = null, file = null, history = false }) {
    if (error) return this.#tell("chatfailed", { code: error, ref });
    if (typeof text !== "string" || typeof from !== "string") return undefined;
    const seen = id ? !this.#remember(id) : false;
    if (seen || (ref && this.#known.has(ref))) return undefined;
    return this.#tell("chat", { from, name, text, at, own: from === this.#self().id, to, file, past: history });
  }

  /** @returns {boolean} whether it is new */
  #remember(mark) {
    if (this.#known.has(mark)) return false;
    this.#known.add(mark);
    if (this.#known.size > MOST_KNOWN) this.#known.delete(this.#known.values().next().value);
    return true;
  }
}
