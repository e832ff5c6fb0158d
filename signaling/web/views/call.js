// The meeting on the screen. Ties the meeting's events to stage, controls, chat and people; each of those draws itself.

import { alone } from "../call/alone.js";
import { Banner } from "../call/banner.js";
import { cast } from "../call/cast.js";
import { Condition } from "../call/condition.js";
import { Controls } from "../call/controls.js";
import { tileDetails } from "../call/details.js";
import { Hosting } from "../call/hosting.js";
import { Keys } from "../call/keys.js";
import { Leaving } from "../call/leaving.js";
import { News } from "../call/news.js";
import { Orders } from "../call/orders.js";
import { Own } from "../call/own.js";
import { Pace } from "../call/pace.js";
import { Panels } from "../call/panels.js";
import { People } from "../call/people.js";
import { Pip } from "../call/pip.js";
import { Pulse } from "../call/pulse.js";
import { Floating } from "../call/reactions.js";
import { Stage } from "../call/stage.js";
import { Talk } from "../call/talk.js";
import { canShareScreen } from "../media/capture.js";
import { Playback } from "../media/playback.js";
import { h } from "../ui/dom.js";
import { t } from "../ui/i18n.js";
import { canSend, copyLink, sendLink } from "../ui/link.js";
import { remember, settings } from "../ui/settings.js";

const REDRAWN_ON = ["receiving", "participantchanged", "participantjoined", "participantleft", "trackadded", "trackchanged", "trackremoved", "slots", "speakers"];

export class CallView {
  #meeting;
  #local;
  #sender;
  #stage;
  #controls;
  #banner = new Banner();
  #condition;
  #panels;
  #people;
  #orders;
  #leaving;
  #hosting;
  #talk;
  #playback;
  #pulse;
  #audioOnly;
  #own;
  #pip = new Pip((id) => this.#press(id));
  #floating = new Floating();
  #keys;
  #admin; // whether one was a host at the last look
  #pace = new Pace(() => this.#draw());
  #closing = new AbortController();

  /** @param {{meeting: Meeting, local: LocalMedia, sender: Sender, audioOnly: AudioOnly, early?: [string, object][]}} media  what is to
   *  be shown; early: "chat" and "chatretracted" events so far */
  constructor(media) {
    const { meeting, local, sender, audioOnly, early = [] } = media;
    this.#meeting = meeting;
    this.#admin = meeting.self.admin;
    this.#local = local;
    this.#sender = sender;
    this.#pulse = new Pulse(meeting);
    this.#audioOnly = audioOnly;
    this.#orders = new Orders(meeting, (id) => this.#writeTo(id));
    const orders = (id, button) => this.#orders.open(id, button);
    this.#stage = new Stage(alone(meeting.room), ({ participant }, button) => orders(participant, button));
    this.#people = new People({ orders, admit: (ids) => meeting.order.admit(ids), refuse: (ids) => meeting.order.refuse(ids) });
    this.#controls = new Controls({
      room: meeting.room,
      press: (id) => this.#press(id),
      layout: (name) => this.#setLayout(name),
      react: (reaction) => meeting.react(reaction),
    });
    this.#own = new Own(media, this.#controls.buttons);
    this.#leaving = new Leaving(meeting, this.#controls.leaveButton);
    this.#talk = new Talk(meeting, this.#controls);
    this.#hosting = new Hosting(meeting, local, { banner: this.#banner, people: this.#people, showPeople: () => this.#panels.show("people") });
    this.#panels = this.#makePanels();
    const sounds = h("div", { hidden: true });
    this.#playback = new Playback(sounds);
    this.#condition = new Condition(this.#banner, { resumeSound: () => this.#playback.resume(), showPictures: () => audioOnly.toggle() });
    this.element = this.#build(sounds);
    this.#listen();
    this.#keys = new Keys({
      press: (id) => (id === "keys" || this.#controls.buttons.offered(id)) && this.#press(id),
      muted: () => this.#own.muted,
      talk: (on) => this.#own.pushToTalk(on),
    });
    this.#offer();
    this.#setLayout(settings.layout);
    this.#ordered();
    this.#receiving(meeting.receivesVideo);
    for (const [type, detail] of early) type === "chat" ? this.#talk.received(detail) : this.#talk.chat.retracted(detail);
    this.#pace.now();
  }

  close() {
    this.#closing.abort();
    this.#pace.close();
    this.#keys.close();
    this.#pulse.close();
    this.#pip.close();
    this.#stage.close();
    this.#controls.close();
    this.#playback.close();
    this.#panels.close();
  }

  #makePanels() {
    const contents = {
      meeting: this.#meeting,
      local: this.#local,
      pulse: this.#pulse,
      chat: this.#talk.chat,
      people: this.#people,
      room: this.#hosting.panel,
      speakerChosen: () => this.#playback.useSpeaker(),
      deviceChanged: () => this.#pace.soon(),
    };
    return new Panels(contents, this.#controls.buttons);
  }

  #build(sounds) {
    return h(
      "main",
      { class: "call" },
      h("h1", { class: "hidden-text" }, `${t("lobby.room")} ${this.#meeting.room}`),
      this.#banner.element,
      h("div", { class: "call-middle" }, this.#stage.element, this.#floating.element, this.#panels.element),
      this.#controls.element,
      this.#orders.element,
      this.#leaving.element,
      sounds,
    );
  }

  #listen() {
    const on = (target, type, listener) =>
      target.addEventListener(type, ({ detail }) => listener(detail), { signal: this.#closing.signal });
    const meeting = this.#meeting;
    for (const type of REDRAWN_ON) on(meeting, type, () => this.#pace.soon());
    new News(on, { meeting, local: this.#local, sender: this.#sender }, { stage: this.#stage, floating: this.#floating });
    on(meeting, "hand", ({ participant, up }) => this.#hand(participant, up));
    on(meeting, "receiving", ({ video }) => this.#receiving(video));
    on(meeting, "chat", (message) => this.#talk.received(message));
    on(meeting, "chatsent", (message) => this.#talk.chat.sent(message));
    on(meeting, "chatfailed", (problem) => this.#talk.chat.failed(problem));
    on(meeting, "chatretracted", (message) => this.#talk.chat.retracted(message));
    for (const type of ["room", "permissions"]) on(meeting, type, () => this.#ordered());
    on(meeting, "waitinglist", () => (this.#hosting.waitingChanged(), this.#pace.soon()));
    on(meeting, "asked", (question) => this.#hosting.asked(question));
    on(meeting, "declined", (answer) => this.#hosting.declined(answer));
    on(meeting, "muted", (order) => this.#hosting.muted(order));
    on(meeting, "channel", ({ open }) => this.#talk.chat.setOpen(open));
    on(meeting, "state", ({ state }) => this.#condition.signalling(state));
    on(meeting, "connection", ({ state }) => this.#condition.media(state));
    on(this.#local, "change", () => (this.#own.drawButtons(), this.#pace.soon()));
    on(this.#sender, "screen", () => (this.#own.drawButtons(), this.#pace.soon()));
    on(this.#playback, "blocked", ({ blocked }) => this.#condition.sound(blocked));
    on(this.#stage, "pinned", () => meeting.pin(this.#stage.pinnedOther ? [this.#stage.pinnedOther] : []));
    on(this.#panels, "change", () => this.#panelChanged());
    on(this.#pulse, "beat", () => (this.#pace.soon(), this.#drawDetails()));
    on(this.#pip, "change", () => (this.#controls.buttons.set("pip", this.#pip.open), this.#pace.soon()));
    on(document, "fullscreenchange", () => this.#controls.buttons.set("fullscreen", Boolean(document.fullscreenElement)));
    this.#talk.chat.setOpen(meeting.chatOpen);
    this.#condition.media(meeting.connectionState);
  }

  #press(id) {
    switch (id) {
      case "microphone":
      case "camera":
        return this.#own.toggle(id);
      case "share":
        return this.#own.share();
      case "hand":
        return this.#meeting.raiseHand(!this.#meeting.hands.includes(this.#meeting.self.id));
      case "pip":
        return this.#pip.open ? this.#pip.close() : this.#pip.show(this.#stage.prominentVideo);
      case "audio":
        return this.#audioOnly.toggle();
      case "copy":
        return copyLink();
      case "send":
        return sendLink(this.#meeting.room);
      case "fullscreen":
        return document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen();
      case "leave":
        return this.#leaving.ask();
      case "more":
      case "react":
        return undefined; // the browser opens their menus
      default:
        return this.#panels.toggle(id);
    }
  }

  #panelChanged() {
    this.#talk.setSeen(this.#panels.open === "chat", this.#cast());
    if (this.#panels.open === "people") this.#people.update(this.#cast());
    this.#drawDetails();
    this.#hosting.watching(this.#panels.open === "people");
  }

  #hand({ id }, up) {
    if (id === this.#meeting.self.id) this.#controls.buttons.set("hand", up);
    this.#pace.soon();
  }

  #receiving(video) {
    this.#controls.buttons.set("audio", !video);
    this.#condition.pictures(video);
    this.#own.drawButtons();
  }

  #setLayout(layout) {
    remember({ layout });
    this.#stage.setLayout(layout);
    this.#controls.menu.setLayout(layout);
  }

  /** What this browser, this device and this invitation allow. */
  #offer() {
    const { permissions } = this.#meeting;
    const { buttons } = this.#controls;
    buttons.offer("share", canShareScreen() && permissions.publish);
    for (const id of ["hand", "react"]) buttons.offer(id, permissions.data);
    buttons.offer("fullscreen", document.fullscreenEnabled);
    buttons.offer("pip", Pip.possible);
    buttons.offer("send", canSend());
    buttons.offer("keys", matchMedia("(any-hover: hover)").matches); // phones have no keyboard
    buttons.offer("audio", permissions.subscribe);
    for (const id of ["microphone", "camera"]) buttons.offer(id, permissions.publish);
  }

  /** The room's state, or what one may do in it, has changed. */
  #ordered() {
    const { order, self } = this.#meeting;
    this.#hosting.permitted(this.#admin);
    this.#admin = self.admin;
    this.#hosting.roomChanged();
    this.#controls.buttons.offer("room", self.admin);
    this.#controls.setLocked(order.state.locked);
    this.#talk.permitted();
    if (!self.admin) this.#panels.hide("room");
    this.#own.drawButtons();
    this.#pace.soon();
  }

  #writeTo(id) {
    if (this.#panels.open !== "chat") this.#panels.show("chat");
    this.#talk.chat.writeTo(id);
  }

  #cast() {
    return cast(this.#meeting, { ...this.#own.shown, levels: this.#pulse.levels });
  }

  #draw() {
    const { camera, microphone } = this.#local;
    const tiles = this.#cast();
    this.#stage.update(tiles);
    if (this.#panels.open === "people") this.#people.update(tiles);
    this.#controls.setPeople(this.#meeting.participants.size + 1, this.#meeting.order.waiting.length);
    this.#talk.update(tiles);
    this.#playback.update(this.#meeting.slots());
    const { prominent } = this.#stage;
    const mirrored = Boolean(prominent?.self) && !prominent.screen && settings.mirror;
    this.#pip.update(prominent, { microphone: microphone.on, camera: camera.on, mirrored });
  }

  /** Figures on the tiles, while their panel is open. */
  #drawDetails() {
    const { stats } = this.#pulse;
    this.#stage.setDetails(stats && this.#panels.open === "stats" ? tileDetails(stats, this.#meeting) : new Map());
  }
}
