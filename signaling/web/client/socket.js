// The WebSocket to the server, kept alive: it says hello with a join message, answers requests by id, lets the line prove
// now and then that it is alive, and comes back by itself with the resume token. It knows no rooms and no media.
//
// Events: "welcome" (first or again), "waiting" (somebody has to let us in), "message" (everything that is no reply), "down" (lost, trying again),
// "gone" (for good; detail is a MeetingError).

import { CLIENT_CODES, MeetingError } from "./errors.js";
import { HASTY_MS, Pulse } from "./pulse.js";
import { Reach } from "./reach.js";

const VERSION = 1;
const GIVE_UP_MS = 15 * 60_000; // people wait for their network, and may leave at any time
const FIRST_WELCOME_MS = 10_000;
const WELCOME_MS = 4_000; // from a server that has just answered; more with every failure
const ABANDON_MS = 4_000; // from the first doubt in a line until people are told
const BACKOFF_MS = [0, 400, 1000, 2000, 4000]; // after a server that answers, and does not let in
const JITTER = 0.5;
const YOUNG_MS = 1_000; // an attempt that may still succeed
const LASTING_MS = 3_000; // a line that was lost sooner was no success
const RETRIED = new Set(["rate_limited", "shutting_down", "internal"]);

export class Socket extends EventTarget {
  #url;
  #join;
  #resume;
  #socket = null; // the line: open, and perhaps welcomed
  #next = null; // what is to become the line: connecting since #nextSince
  #nextSince = 0;
  #nextTimer = 0;
  #welcomed = false; // on the present socket
  #everWelcomed = false;
  #ended = false;
  #attempt = 0;
  #timer = 0; // of the present socket: until its welcome, or until it has proved that it is alive
  #giveUp = 0;
  #welcomedAt = 0;
  #doubted = false;
  #pulse = null;
  #reach;
  #nextId = 1;
  #requests = new Map();

  /** @param {URL} url  @param {{name: string, token?: string}} join  @param {string | undefined} resume */
  constructor(url, join, resume) {
    super();
    this.#url = url;
    this.#join = join;
    this.#resume = resume;
    const ready = new URL("../readyz", url);
    ready.protocol = url.protocol.replace("ws", "http");
    this.#reach = new Reach(ready, () => this.#reached());
  }

  get resumeToken() {
    return this.#resume;
  }

  open() {
    this.#pulse = new Pulse((patience) => this.doubt(patience));
    this.#connect();
  }

  /** The line has so many milliseconds to prove that it is alive; then it is replaced as soon as the server answers. */
  doubt(patience = HASTY_MS) {
    if (this.#ended || !this.#everWelcomed) return;
    if (!this.#welcomed || this.#reach.searching) return this.#hurry(patience);
    if (this.#doubted && patience > HASTY_MS) return;
    if (!this.#doubted) this.send({ type: "ping", id: this.#nextId++ });
    this.#doubted = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#disbelieve(), patience);
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
    if (last && this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(last));
    this.#end(new MeetingError(CLIENT_CODES.CLOSED));
  }

  /** The present line, if there is one, stays until the new one is open. */
  #connect() {
    this.#forgetNext();
    let socket;
    try {
      socket = new WebSocket(this.#url);
    } catch {
      return this.#failed(); // a policy forbids it; the answer is the same as from a server that is not there
    }
    this.#next = socket;
    this.#nextSince = performance.now();
    const patience = this.#everWelcomed ? WELCOME_MS * (1 + this.#attempt) : FIRST_WELCOME_MS;
    this.#nextTimer = setTimeout(() => this.#failed(), patience);
    socket.onopen = () => socket === this.#next && this.#opened(socket, patience);
    socket.onmessage = ({ data }) => socket === this.#socket && this.#receive(JSON.parse(data));
    socket.onclose = () => {
      if (socket === this.#next) this.#failed();
      else if (socket === this.#socket) this.#lost();
    };
  }

  #opened(socket, patience) {
    clearTimeout(this.#nextTimer);
    this.#next = null;
    this.#drop();
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#lost(), patience);
    const resume = this.#resume ? { resume: this.#resume } : {};
    socket.send(JSON.stringify({ type: "join", version: VERSION, ...this.#join, ...resume }));
  }

  #failed() {
    this.#forgetNext();
    if (!this.#socket) this.#lost();
    else if (this.#doubted) this.#reach.start(YOUNG_MS);
  }

  #forgetNext() {
    clearTimeout(this.#nextTimer);
    const socket = this.#next;
    this.#next = null;
    socket?.close();
  }

  #receive(message) {
    if (this.#doubted) this.#believe(); // any message proves it
    if (message.type === "pong") return;
    if (message.type === "welcome") return this.#welcome(message);
    if (message.type === "waiting") return this.#wait(message);
    if (message.type === "error") return this.#error(message);
    if (message.type === "closed") return this.#closed(message.reason);
    const request = this.#requests.get(message.id);
    if (!request) return this.#emit("message", message);
    this.#requests.delete(message.id);
    request.resolve(message);
  }

  #welcome(message) {
    this.#stopTimers();
    this.#welcomed = this.#everWelcomed = true;
    this.#welcomedAt = performance.now();
    this.#resume = message.resume;
    if (!message.resumed) this.#rejectRequests(new MeetingError(CLIENT_CODES.CONNECTION_LOST));
    this.#emit("welcome", message);
    for (const { message: again } of this.#requests.values()) this.send(again);
  }

  /** At the door: for as long as it takes, over as many lines as it takes. */
  #wait(message) {
    this.#stopTimers();
    this.#everWelcomed = true;
    this.#resume = message.resume;
    this.#emit("waiting", message);
  }

  #error({ code, message, id, fatal = false }) {
    const error = new MeetingError(code, message, { fatal: fatal || !this.#welcomed });
    const request = this.#requests.get(id);
    if (request) {
      this.#requests.delete(id);
      return request.reject(error);
    }
    if (!error.fatal) return this.#emit("message", { type: "error", error });
    if (this.#everWelcomed && RETRIED.has(code)) return this.#lost();
    return this.#end(error);
  }

  #closed(reason) {
    if (RETRIED.has(reason)) this.#lost();
    else this.#end(new MeetingError(reason, reason, { fatal: true }));
  }

  #lost() {
    if (this.#welcomed && performance.now() - this.#welcomedAt > LASTING_MS) this.#attempt = 0;
    this.#drop();
    if (this.#ended) return;
    if (!this.#everWelcomed) return this.#end(new MeetingError(CLIENT_CODES.UNREACHABLE, undefined, { fatal: true }));
    this.#giveUp ||= setTimeout(() => {
      this.#end(new MeetingError(CLIENT_CODES.CONNECTION_LOST, undefined, { fatal: true }));
    }, GIVE_UP_MS);
    if (this.#next) return;
    const delay = BACKOFF_MS[Math.min(this.#attempt++, BACKOFF_MS.length - 1)];
    this.#reach.start(delay * (1 + JITTER * (2 * Math.random() - 1)));
  }

  /** Leaves the present socket, if there is one; says so when it was in use. */
  #drop() {
    const wasUp = this.#welcomed;
    const socket = this.#socket;
    clearTimeout(this.#timer);
    this.#welcomed = this.#doubted = false;
    this.#socket = null;
    socket?.close(); // a dead line may take minutes to say so, or never does
    if (wasUp && !this.#ended) this.#emit("down");
  }

  /** No answer in time: whether the line or the network is dead, another one will tell, at once or when the server answers. */
  #disbelieve() {
    this.#timer = setTimeout(() => this.#lost(), ABANDON_MS);
    this.#reach.start();
    this.#connect();
  }

  #believe() {
    this.#doubted = false;
    clearTimeout(this.#timer);
    this.#reach.stop();
    this.#forgetNext();
  }

  /** The server answers: an attempt that did not get through by now went into the dead network. */
  #reached() {
    if (this.#ended || (this.#next && performance.now() - this.#nextSince < YOUNG_MS)) return;
    this.#connect();
  }

  /** While there is no line: an event may have ended the reason for that, time passing has not. */
  #hurry(patience) {
    if (patience > HASTY_MS) return;
    if (this.#reach.searching) this.#reach.hurry();
    else this.#reach.start(patience); // an attempt is under way: it has as long as a line has
  }

  #end(error) {
    if (this.#ended) return;
    this.#ended = true;
    this.#stopTimers();
    this.#pulse?.close();
    this.#forgetNext();
    this.#drop();
    this.#rejectRequests(error);
    this.#emit("gone", error);
  }

  #stopTimers() {
    clearTimeout(this.#timer);
    clearTimeout(this.#giveUp);
    this.#giveUp = 0;
    this.#reach.stop();
  }

  #rejectRequests(error) {
    for (const { reject } of this.#requests.values()) reject(error);
    this.#requests.clear();
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
