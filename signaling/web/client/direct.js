// Direct calls of two, this client's half: follows the table (direct_table.js) and does what it says with path, watch, output and
// publications. The server begins every attempt and owns its epoch; whatever happens here, the server's leg is there.
//
// Events: "change" ({state, shown}: the table's state, the way that is heard; slots are to be drawn again).

import { Growth } from "./direct_judge.js";
import { DirectOutput } from "./direct_output.js";
import { DirectPath } from "./direct_path.js";
import { step } from "./direct_table.js";
import { DirectWatch } from "./direct_watch.js";

const PAUSE_MS = 400; // from commit until the camera stops towards the server: the other one has heard of it by then
const LINGER_MS = 1_500; // the old path stays at least so long after a takeover: the other one may need it longer
const LINGER_MOST_MS = 15_000; // without media from a server that is there; while it is away, two may talk on
const WANTED_MS = 500; // between two words about pictures: the server passes two a second on
const STALE_MS = 150; // a way that stood still for longer is a gap; shorter is the distance of two looks
const CARRIED = ["microphone", "camera"];

export class Direct extends EventTarget {
  state = "server";
  #epoch = 0;
  #peer = null; // participant id
  #path = null;
  #watch = null;
  #output = new DirectOutput();
  #meeting;
  #pausing = 0;
  #gaps = {};
  #since = 0;
  #saidReady = false; // in this epoch
  #saidWanted = true; // pictures; in this epoch
  #wanting = 0; // until it may be said again
  #audible = false; // there is a stream of the direct path to play along

  /**
   * @param {{send: (message) => boolean, joined: () => boolean, participants: () => Map, slots: () => object[], leg: () => RTCPeerConnection | undefined,
   *   publications: Publications, iceServers: () => RTCIceServer[], receivesVideo: () => boolean}} meeting
   */
  constructor(meeting) {
    super();
    this.#meeting = meeting;
  }

  /** The way that the other one is heard on. @returns {"direct" | "server"} */
  get shown() {
    return this.#output.sound;
  }

  /** The connection to the other one, while it is the way that counts. */
  get connection() {
    return this.shown === "direct" ? this.#path?.connection : undefined;
  }

  /** A message of type "direct". */
  receive(message) {
    if (message.step === "start") {
      if (message.epoch <= this.#epoch) return;
      this.#epoch = message.epoch;
      this.#happen("start", message);
    } else if (message.epoch === this.#epoch) {
      if (message.step === "commit") this.#happen("commit");
      else if (message.step === "takeover") this.#happen(message.reason === "left" ? "end" : "takeover");
      else this.#path?.receive(message);
    }
  }

  /** The socket was lost, and with it whoever decides. */
  down() {
    this.#happen("lost", { reason: "signalling" });
  }

  /** This participation is over, or the other one is gone. */
  end({ forget = false } = {}) {
    this.#happen("end");
    if (forget) this.#epoch = 0;
  }

  /** Pictures are wanted or not, as the meeting says; what it says last is what counts. */
  receiveVideo() {
    const wanted = this.#meeting.receivesVideo();
    if (!this.#path || this.#wanting || wanted === this.#saidWanted) return;
    this.#saidWanted = wanted;
    this.#say("video", { wanted });
    this.#wanting = setTimeout(() => {
      this.#wanting = 0;
      this.receiveVideo();
    }, WANTED_MS);
  }

  /** The slots as they are to be shown. */
  apply(slots) {
    return this.#output.apply(slots, ({ track }) => this.#tracks().get(track)?.source ?? null);
  }

  #happen(event, detail) {
    const { next, actions } = step(this.state, event);
    if (next === this.state && !actions.length) return;
    this.state = next;
    for (const action of actions) this.#act(action, detail);
    if (this.#watch) this.#watch.mode = next;
    this.#changed();
  }

  #act(action, detail) {
    const { publications } = this.#meeting;
    switch (action) {
      case "open":
        return this.#open(detail);
      case "close":
        return this.#close();
      case "say_ready":
        return this.#say("ready", detail);
      case "say_lost":
        return this.#say("lost", { reason: detail.reason });
      case "say_taken":
        return this.#say("taken", this.#gaps);
      case "show_direct":
        this.#output.hear("direct");
        return this.#follow();
      case "show_server":
        return this.#leave();
      case "pause_server":
        this.#pausing = setTimeout(() => publications.rest("camera", true), PAUSE_MS);
        return undefined;
      case "resume_server":
        clearTimeout(this.#pausing);
        return publications.rest("camera", false);
    }
    throw new Error(`the table asks for ${action}`);
  }

  #open({ peer, offers }) {
    const { publications, iceServers } = this.#meeting;
    const tracks = Object.fromEntries(publications.list().map(({ source, track }) => [source, track]));
    const path = new DirectPath(iceServers(), tracks);
    this.#peer = peer;
    this.#path = path;
    path.addEventListener("say", ({ detail: { step: name, ...fields } }) => this.#say(name, fields));
    path.addEventListener("broken", () => this.#happen("lost", { reason: "failed" }));
    path.addEventListener("state", ({ detail }) => {
      if (["failed", "disconnected", "closed"].includes(detail)) this.#happen("lost", { reason: "failed" });
    });
    publications.copyTo((source, track) => CARRIED.includes(source) && path.carry(source, track));
    this.#output.attach(path, peer);
    this.#watch = new DirectWatch(path, () => this.#leg(), () => this.#expected());
    this.#watch.addEventListener("ready", ({ detail }) => this.#ready(detail));
    this.#watch.addEventListener("lost", ({ detail }) => this.#happen("lost", detail));
    this.#watch.addEventListener("look", () => this.#follow());
    this.#gaps = {};
    this.#saidReady = false;
    this.#saidWanted = true;
    if (offers) path.offer();
    this.receiveVideo();
  }

  #close() {
    clearTimeout(this.#wanting);
    this.#wanting = 0;
    this.#meeting.publications.copyTo(null);
    this.#watch.close();
    this.#output.detach();
    this.#path.close();
    this.#watch = this.#path = this.#peer = null;
    this.#audible = false;
  }

  #ready(timings) {
    if (this.#saidReady) return;
    this.#saidReady = true;
    this.#happen("ready", timings);
  }

  /** From now on whatever the server's leg has is taken, as soon as it has it. */
  #leave() {
    this.#since = performance.now();
    this.#watch.judge.serverFrames = new Growth(); // what grew before is no picture of now
    const { audio, video } = this.#expected();
    if (!audio) this.#output.hear("server");
    if (!video) this.#output.see("server");
  }

  /** After every look: is there a reason to show another way? */
  #follow() {
    const { judge } = this.#watch;
    const now = performance.now();
    const before = [this.#output.sound, this.#output.picture, this.#audible];
    this.#audible = this.#path.track("audio") !== null;
    if (this.state === "direct" && judge.frames.at !== null && this.#meeting.receivesVideo()) this.#output.see("direct");
    if (this.state === "returning") this.#return(judge, now);
    const after = [this.#output.sound, this.#output.picture, this.#audible];
    if (after.some((value, index) => value !== before[index])) this.#changed();
    if (this.state === "returning" && this.#isBack(now)) this.#happen("taken");
  }

  #return(judge, now) {
    const { audio, video } = this.#expected();
    if (this.#output.sound === "direct" && (judge.serverAudio.flows(now) || !audio)) {
      this.#gaps.audio_gap_ms = audio ? gap(judge.audio, now) : 0;
      this.#output.hear("server");
    }
    if (this.#output.picture === "direct" && ((judge.serverFrames.at ?? 0) > this.#since || !video)) {
      this.#gaps.video_gap_ms = video ? gap(judge.frames, now) : 0;
      this.#output.see("server");
    }
  }

  #isBack(now) {
    const waited = now - this.#since;
    const back = this.#output.sound === "server" && this.#output.picture === "server";
    return (back && waited > LINGER_MS) || (waited > LINGER_MOST_MS && this.#meeting.joined());
  }

  /** What the other one sends now, as far as the server says. */
  #expected() {
    const open = [...this.#tracks().values()].filter(({ muted }) => !muted).map(({ source }) => source);
    return { audio: open.includes("microphone"), video: open.includes("camera") && this.#meeting.receivesVideo() };
  }

  #tracks() {
    return this.#meeting.participants().get(this.#peer)?.tracks ?? new Map();
  }

  /** The server's leg: where to read what comes from the other one's microphone and camera. */
  #leg() {
    const connection = this.#meeting.leg();
    if (!connection) return null;
    const tracks = this.#tracks();
    const theirs = this.#meeting.slots().filter(({ track }) => CARRIED.includes(tracks.get(track)?.source));
    return { connection, mids: new Set(theirs.map(({ mid }) => mid)) };
  }

  #say(name, fields) {
    this.#meeting.send({ type: "direct", epoch: this.#epoch, step: name, ...fields });
  }

  #changed() {
    this.dispatchEvent(new CustomEvent("change", { detail: { state: this.state, shown: this.shown } }));
  }
}

/** How long nothing came that could be shown, in ms. */
function gap(growth, now) {
  const still = growth.at === null ? 0 : now - growth.at;
  return still > STALE_MS ? Math.min(60_000, still) : 0;
}
