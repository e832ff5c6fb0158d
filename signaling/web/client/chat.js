// The chat: texts between the people of a room over one data channel. What the server keeps for late comers comes again
// whenever the channel opens: every message has the server's id, one's own are known by a reference, and each is told once.
//
// One's own text is told at once, and once more when the server sends it back: only then it is sent. Without an answer it counts as
// not sent until one comes after all.

const MOST_KNOWN = 2_000; // ids and references; more than the server keeps
const REFERENCE_CHARACTERS = 18;
const ANSWER_MS = 8_000; // for longer than that nobody believes that a message went out

export class Chat {
  #channel = null;
  #known = new Set();
  #unanswered = new Map(); // reference → timer
  #tell;
  #self;

  /** @param {(type: string, detail: object) => void} tell  "chat", "chatsent", "chatfailed" or "chatretracted"
   *  @param {() => {id: string, name: string}} self */
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

  /** False when it can not be sent now. @param {{to?: string, file?: object, ref?: string}} [more]  for one reader only; an uploaded
   *  file; the reference of one that failed, to try it again */
  send(text, { to = null, file = null, ref = null } = {}) {
    const mark = ref ?? crypto.randomUUID().slice(0, REFERENCE_CHARACTERS);
    const message = { text, ref: mark, ...(to ? { to } : {}), ...(file ? { file: { id: file.id } } : {}) };
    if (!this.#channel?.send(message)) return false;
    this.#expect(mark);
    if (!this.#remember(mark)) return true;
    const { id: from, name } = this.#self();
    this.#tell("chat", { id: null, from, name, text, at: Date.now(), own: true, to, file, past: false, ref: mark });
    return true;
  }

  #receive({ id, ref, error, retracted, by, from, name, text, at_ms: at, to = null, file = null, history = false }) {
    if (error) return this.#refused(error, ref);
    if (typeof retracted === "string") return this.#tell("chatretracted", { id: retracted, by, past: history });
    if (typeof text !== "string" || typeof from !== "string") return undefined;
    const seen = id ? !this.#remember(id) : false;
    const own = from === this.#self().id;
    if (own && ref && this.#known.has(ref)) return this.#answered(ref, id, at);
    if (seen) return undefined;
    return this.#tell("chat", { id, from, name, text, at, own, to, file, past: history });
  }

  #expect(ref) {
    clearTimeout(this.#unanswered.get(ref));
    const late = () => (this.#channel && !this.open ? this.#expect(ref) : this.#refused("unanswered", ref)); // it waits for the channel
    this.#unanswered.set(ref, setTimeout(late, ANSWER_MS));
  }

  #answered(ref, id, at) {
    clearTimeout(this.#unanswered.get(ref));
    this.#unanswered.delete(ref);
    this.#tell("chatsent", { ref, id, at });
  }

  #refused(code, ref) {
    clearTimeout(this.#unanswered.get(ref));
    this.#unanswered.delete(ref);
    this.#tell("chatfailed", { code, ref });
  }

  /** @returns {boolean} whether it is new */
  #remember(mark) {
    if (this.#known.has(mark)) return false;
    this.#known.add(mark);
    if (this.#known.size > MOST_KNOWN) this.#known.delete(this.#known.values().next().value);
    return true;
  }
}
