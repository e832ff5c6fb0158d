// All media of a participation: what is sent, what arrives, and on which way. Ties publications, the connection to the server and
// direct calls together; it survives every peer connection.
//
// Tells: "slots" ({slots}), "receiving" ({video}), "connection" ({state}), "way" ({way}: direct or server), "trackended" ({source}),
// "error" (MeetingError, the meeting goes on).

import { Direct } from "./direct.js";
import { Publications } from "./publications.js";
import { ServerLeg } from "./server_leg.js";
import { Statistics } from "./stats.js";

export class Media {
  /** Whether pictures are asked for; see receiveVideo. */
  receivesVideo = true;
  #room;
  #tell;
  #conversation;
  #publications;
  #leg;
  #direct;
  #directIceServers = []; // for the connection to the other one
  #way = "server";
  #statistics = new Statistics();

  /**
   * @param {{send: (message: object) => boolean, request: (message: object) => Promise<object>, doubt: () => void, joined: () => boolean}} signalling
   * @param {Room} room  @param {Conversation} conversation  whose channels go over the connection to the server
   * @param {(type: string, detail: object) => void} tell
   */
  constructor({ send, request, doubt, joined }, room, conversation, tell) {
    this.#room = room;
    this.#conversation = conversation;
    this.#tell = tell;
    this.#publications = new Publications(send, (source) => tell("trackended", { source }));
    this.#leg = new ServerLeg({
      exchange: (offer) => request({ type: "offer", ...offer }),
      prepare: (peer) => this.#prepare(peer),
      release: () => this.#release(),
      doubt,
      mayBeSilent: () => this.way === "direct",
    });
    this.#leg.addEventListener("opened", () => this.#slotsChanged());
    this.#leg.addEventListener("state", ({ detail }) => tell("connection", { state: detail }));
    this.#leg.addEventListener("negotiated", () => this.#publications.sync());
    this.#leg.addEventListener("error", ({ detail }) => tell("error", detail));
    this.#direct = new Direct({
      send,
      joined,
      participants: () => room.participants,
      slots: () => this.#leg.slots(),
      leg: () => this.#leg.connection,
      publications: this.#publications,
      iceServers: () => this.#directIceServers,
      receivesVideo: () => this.receivesVideo,
    });
    this.#direct.addEventListener("change", () => this.#wayChanged());
  }

  get publications() {
    return this.#publications;
  }

  /** Of the connection to the server. */
  get state() {
    return this.#leg.state;
  }

  get answered() {
    return this.#leg.answered;
  }

  get way() {
    return this.#direct.shown;
  }

  slots() {
    return this.#direct.apply(this.#leg.slots());
  }

  /** The server said welcome, of which nothing else is taken yet: what ends with another participation. */
  begin({ ice_servers: iceServers, direct_ice_servers: directIceServers, resumed }) {
    this.#leg.renew(iceServers);
    this.#directIceServers = directIceServers;
    if (!resumed) this.#direct.end({ forget: true });
  }

  /** The rest of it is taken. @param {{resumed: boolean}} welcome  whether the server still has the connection */
  welcome({ resumed }) {
    if (resumed && this.#leg.peer) this.#publications.sync();
    else this.#leg.open();
  }

  /** See whether media needs help: the signalling may have come back from another network. */
  check() {
    this.#leg.check();
  }

  /** @returns {boolean} whether the message was about media */
  receive(message) {
    if (message.type === "slots") {
      this.#leg.peer?.slots.assign(message.slots);
      this.#slotsChanged();
    } else if (message.type === "slots_needed") {
      this.#leg.growSlots(this.receivesVideo ? message : { ...message, video: 0 });
    } else if (message.type === "ice_servers") {
      this.#leg.renew(message.ice_servers);
    } else if (message.type === "direct") {
      this.#direct.receive(message);
    } else {
      return false;
    }
    return true;
  }

  receiveVideo(on) {
    if (on === this.receivesVideo) return;
    this.receivesVideo = on;
    this.#leg.peer?.slots.receive("video", on);
    this.#direct.receiveVideo();
    this.#tell("receiving", { video: on });
    if (this.#leg.peer) this.#leg.negotiate();
  }

  stats() {
    return this.#statistics.summarise(this.#leg.connection, this.slots(), this.#publications.list(), this.#direct.connection);
  }

  /** The signalling is lost. */
  down() {
    this.#direct.down();
  }

  close() {
    this.#direct.end();
    this.#leg.close();
  }

  /** What goes over a new connection to the server, before its first offer. */
  #prepare(peer) {
    const { permissions, tracks } = this.#room;
    if (permissions.data) this.#conversation.attach(peer);
    this.#publications.attach(peer, (source) => this.#room.may(source));
    if (permissions.subscribe) this.#leg.addFirstSlots(tracks, this.receivesVideo ? ["audio", "video"] : ["audio"]);
  }

  #release() {
    this.#conversation.attach(null);
    this.#publications.attach(null);
  }

  #wayChanged() {
    this.#slotsChanged();
    if (this.way === this.#way) return;
    this.#way = this.way;
    this.#tell("way", { way: this.way });
  }

  #slotsChanged() {
    this.#tell("slots", { slots: this.slots() });
  }
}
