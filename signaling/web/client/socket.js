// The WebSocket to the server, kept alive: it says hello with a join message, answers requests by id, pings, and comes
// back by itself with the resume token. It knows no rooms and no media.
//
// Events: "welcome" (first or again), "message" (everything that is no reply), "down" (lost, trying again),
// "gone" (for good; detail is a MeetingError).

import { CLIENT_CODES, MeetingError } from "./errors.js";

const VERSION = 1;
const PING_MS = 10_000;
const GIVE_UP_MS = 60_000;
const WELCOME_TIMEOUT_MS = 10_000;
const BACKOFF_MS = [150, 400, 1000, 2000, 4000];
const JITTER = 0.3; // so that a restarted server is not met by everybody at once
const RETRIED = new Set(["rate_limited", "shutting_down", "internal"]);

export class Socket extends EventTarget {
  #url;
  #join;
  #resume;
  #socket = null;
  #welcomed = false; // on the present socket
  #everWelcomed = false;
  #ended = false;
  #lostAt = 0;
  #attempt = 0;
  #timer = 0;
  #pinger = 0;
  #awaitingPong = false;
  #nextId = 1;
  #requests = new Map();

  /** @param {URL} url  @param {{name: string, token?: string}} join  @param {string | undefined} resume */
  constructor(url, join, resume) {
    super();
    this.#url = url;
    this.#join = join;
    this.#resume = resume;
    this.hurry = () => this.#hurry();
    globalThis.addEventListener?.("online", this.hurry);
  }

  get resumeToken() {
    return this.#resume;
  }

  open() {
    this.#connect();
  }

  /** Sends now or drops: state that matters is sent again after "welcome". */
  send(message) {
    if (!this.#welcomed) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /** Sends with an id, again after a resume if the reply was lost on the way; settles with reply or error. */
  request(message) {
    if (this.#ended) return Promise.reject(new MeetingError(CLIENT_CODES.CLOSED));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#requests.set(id, { message: { ...message, id }, resolve, reject });
      this.send({ ...message, id });
    });
  }

  /** Ends it for good. @param {object} [last] a message to send before */
  close(last) {
    if (last) this.send(last);
    this.#end(new MeetingError(CLIENT_CODES.CLOSED));
  }

  #connect() {
    this.#welcomed = false;
    let socket;
    try {
      socket = new WebSocket(this.#url);
    } catch {
      return this.#lost(); // a policy forbids it; the answer is the same as from a server that is not there
    }
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#abandon(socket), WELCOME_TIMEOUT_MS);
    socket.onopen = () => {
      const resume = this.#resume ? { resume: this.#resume } : {};
      socket.send(JSON.stringify({ type: "join", version: VERSION, ...this.#join, ...resume }));
    };
    socket.onmessage = ({ data }) => socket === this.#socket && this.#receive(JSON.parse(data));
    socket.onclose = () => socket === this.#socket && this.#lost();
  }

  #receive(message) {
    this.#awaitingPong = false; // any message proves that the line is alive
    if (message.type === "pong") return;
    if (message.type === "welcome") return this.#welcome(message);
    if (message.type === "error") return this.#error(message);
    if (message.type === "closed") return this.#closed(message.reason);
    const request = this.#requests.get(message.id);
    if (!request) return this.#emit("message", message);
    this.#requests.delete(message.id);
    request.resolve(message);
  }

  #welcome(message) {
    clearTimeout(this.#timer);
    this.#welcomed = this.#everWelcomed = true;
    this.#attempt = this.#lostAt = 0;
    this.#resume = message.resume;
    this.#pinger = setInterval(() => this.#ping(), PING_MS);
    if (!message.resumed) this.#rejectRequests(new MeetingError(CLIENT_CODES.CONNECTION_LOST));
    this.#emit("welcome", message);
    for (const { message: again } of this.#requests.values()) this.send(again);
  }

  #error({ code, message, id, fatal = false }) {
    const error = new MeetingError(code, message, { fatal: fatal || !this.#welcomed });
    const request = this.#requests.get(id);
    if (request) {
      this.#requests.delete(id);
      return request.reject(error);
    }
    if (!error.fatal) return this.#emit("message", { type: "error", error });
    if (this.#everWelcomed && RETRIED.has(code)) return this.#socket.close();
    return this.#end(error);
  }

  #closed(reason) {
    if (RETRIED.has(reason)) this.#socket.close();
    else this.#end(new MeetingError(reason, reason, { fatal: true }));
  }

  #lost() {
    this.#stopTimers();
    const wasUp = this.#welcomed;
    this.#welcomed = false;
    this.#socket = null;
    if (this.#ended) return;
    if (!this.#everWelcomed) return this.#end(new MeetingError(CLIENT_CODES.UNREACHABLE, undefined, { fatal: true }));
    this.#lostAt ||= performance.now();
    if (performance.now() - this.#lostAt > GIVE_UP_MS) {
      return this.#end(new MeetingError(CLIENT_CODES.CONNECTION_LOST, undefined, { fatal: true }));
    }
    if (wasUp) this.#emit("down");
    const delay = BACKOFF_MS[Math.min(this.#attempt++, BACKOFF_MS.length - 1)];
    this.#timer = setTimeout(() => this.#connect(), delay * (1 + JITTER * Math.random()));
  }

  /** A dead line may take minutes to say so, or never does: leave it and go on. */
  #abandon(socket) {
    if (socket !== this.#socket) return;
    this.#lost();
    socket.close();
  }

  #hurry() {
    if (this.#ended || this.#welcomed || this.#socket) return;
    clearTimeout(this.#timer);
    this.#connect();
  }

  #ping() {
    if (this.#awaitingPong) return this.#abandon(this.#socket);
    this.#awaitingPong = true;
    this.send({ type: "ping", id: this.#nextId++ });
  }

  #end(error) {
    if (this.#ended) return;
    this.#ended = true;
    this.#stopTimers();
    globalThis.removeEventListener?.("online", this.hurry);
    this.#welcomed = false;
    this.#socket?.close();
    this.#rejectRequests(error);
    this.#emit("gone", error);
  }

  #stopTimers() {
    clearTimeout(this.#timer);
    clearInterval(this.#pinger);
    this.#awaitingPong = false;
  }

  #rejectRequests(error) {
    for (const { reject } of this.#requests.values()) reject(error);
    this.#requests.clear();
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
