// The meeting on the screen. Ties the meeting's events to stage, controls, chat and people; each of those draws itself.

import { Banner } from "../call/banner.js";
import { cast } from "../call/cast.js";
import { Controls } from "../call/controls.js";
import { tileDetails } from "../call/details.js";
import { Hosting } from "../call/hosting.js";
import { Keys } from "../call/keys.js";
import { Leaving } from "../call/leaving.js";
import { Orders } from "../call/orders.js";
import { Panel } from "../call/panel.js";
import { People } from "../call/people.js";
import { Pip } from "../call/pip.js";
import { Pulse } from "../call/pulse.js";
import { Floating, reactionPicture, reactionText } from "../call/reactions.js";
import { Stage } from "../call/stage.js";
import { StatsPanel } from "../call/stats.js";
import { Talk } from "../call/talk.js";
import { canShareScreen } from "../media/capture.js";
import { Playback } from "../media/playback.js";
import { announce, h, icon } from "../ui/dom.js";
import { t } from "../ui/i18n.js";
import { canSend, copyLink, sendLink } from "../ui/link.js";
import { explain } from "../ui/problem.js";
import { remember, settings } from "../ui/settings.js";
import { notify, warn } from "../ui/toast.js";
import { DevicePicker } from "./devices.js";

const PANELS = ["chat", "people", "stats", "settings", "room"];
const REDRAWN_ON = ["receiving", "participantchanged", "participantjoined", "participantleft", "trackadded", "trackchanged", "trackremoved", "slots", "speakers"];
const QUICK_MS = 5; // drawing that takes less is done at once
const REST = 3; // times as long as drawing took, before the next
const MOST_REST_MS = 200;

export class CallView {
  #meeting;
  #local;
  #sender;
  #stage;
  #controls;
  #banner = new Banner();
  #panel = new Panel();
  #people;
  #orders;
  #leaving;
  #hosting;
  #talk;
  #playback;
  #pulse;
  #audioOnly;
  #pip = new Pip((id) => this.#press(id));
  #floating = new Floating();
  #keys;
  #streams = new Map(); // track → MediaStream, so that a tile keeps its stream
  #frame = 0;
  #drawnMs = 0;
  #connected = false;
  #admin; // whether one was a host at the last look
  #closing = new AbortController();

  /** @param {{meeting: Meeting, local: LocalMedia, sender: Sender, audioOnly: AudioOnly}} what is to be shown */
  constructor({ meeting, local, sender, audioOnly }) {
    this.#meeting = meeting;
    this.#admin = meeting.self.admin;
    this.#local = local;
    this.#sender = sender;
    this.#pulse = new Pulse(meeting);
    this.#audioOnly = audioOnly;
    this.#orders = new Orders(meeting, (id) => this.#writeTo(id));
    const orders = (id, button) => this.#orders.open(id, button);
    this.#stage = new Stage(this.#alone(), ({ participant }, button) => orders(participant, button));
    this.#people = new People({ orders, admit: (ids) => meeting.order.admit(ids), refuse: (ids) => meeting.order.refuse(ids) });
    this.#controls = new Controls({
      room: meeting.room,
      press: (id) => this.#press(id),
      layout: (name) => this.#setLayout(name),
      react: (reaction) => meeting.react(reaction),
    });
    this.#leaving = new Leaving(meeting, this.#controls.leaveButton);
    this.#talk = new Talk(meeting, this.#controls);
    this.#hosting = new Hosting(meeting, local, { banner: this.#banner, people: this.#people, showPeople: () => this.#openPanel("people") });
    const sounds = h("div", { hidden: true });
    this.#playback = new Playback(sounds);
    this.element = h(
      "main",
      { class: "call" },
      h("h1", { class: "hidden-text" }, `${t("lobby.room")} ${meeting.room}`),
      this.#banner.element,
      h("div", { class: "call-middle" }, this.#stage.element, this.#floating.element, this.#panel.element),
      this.#controls.element,
      this.#orders.element,
      this.#leaving.element,
      sounds,
    );
    this.#listen();
    this.#keys = new Keys({
      toggle: (source) => this.#toggle(source),
      muted: () => Boolean(local.microphone.track) && !local.microphone.on,
      talk: (on) => this.#pushToTalk(on),
    });
    this.#offer();
    this.#setLayout(settings.layout);
    this.#ordered();
    this.#receiving(meeting.receivesVideo);
    this.#draw();
  }

  close() {
    this.#closing.abort();
    clearTimeout(this.#frame);
    this.#keys.close();
    this.#pulse.close();
    this.#pip.close();
    this.#stage.close();
    this.#controls.close();
    this.#playback.close();
    this.#devices?.close();
    this.#stats?.close();
  }

  #devices = null;
  #stats = null;

  #listen() {
    const on = (target, type, listener) =>
      target.addEventListener(type, ({ detail }) => listener(detail), { signal: this.#closing.signal });
    const meeting = this.#meeting;
    for (const type of REDRAWN_ON) on(meeting, type, () => this.#redraw());
    on(meeting, "participantjoined", ({ participant }) => this.#tell("call.joined", participant));
    on(meeting, "participantleft", ({ participant }) => this.#tell("call.left", participant));
    on(meeting, "trackadded", ({ participant, track }) => track.source === "screen" && this.#tell("call.sharing", participant));
    on(meeting, "hand", (change) => this.#hand(change));
    on(meeting, "reaction", (reaction) => this.#reacted(reaction));
    on(meeting, "receiving", ({ video }) => this.#receiving(video));
    on(meeting, "chat", (message) => this.#talk.received(message));
    on(meeting, "chatfailed", (problem) => this.#talk.chat.failed(problem));
    for (const type of ["room", "permissions"]) on(meeting, type, () => this.#ordered());
    on(meeting, "waitinglist", () => (this.#hosting.waitingChanged(), this.#redraw()));
    on(meeting, "asked", (question) => this.#hosting.asked(question));
    on(meeting, "muted", (order) => this.#hosting.muted(order));
    on(meeting, "channel", ({ open }) => this.#talk.chat.setOpen(open));
    on(meeting, "state", ({ state }) => this.#signalling(state));
    on(meeting, "connection", ({ state }) => this.#media(state));
    on(meeting, "error", (error) => warn(Object.values(explain(error)).join(". ")));
    on(this.#local, "change", () => (this.#drawDevices(), this.#redraw()));
    on(this.#local, "problem", ({ source, reason }) => warn(t(`media.${source}.${reason}`)));
    on(this.#local, "switched", ({ source, label }) => notify(t(`media.${source}.switched`, { label }), source === "camera" ? "camera" : "mic"));
    on(this.#sender, "screen", () => (this.#drawDevices(), this.#redraw()));
    on(this.#sender, "problem", ({ error }) => warn(Object.values(explain(error)).join(". ")));
    on(this.#playback, "blocked", ({ blocked }) => this.#sound(blocked));
    on(this.#stage, "pinned", () => meeting.pin(this.#stage.pinnedOther ? [this.#stage.pinnedOther] : []));
    on(this.#panel, "change", () => this.#panelChanged());
    on(this.#pulse, "beat", () => (this.#redraw(), this.#drawDetails()));
    on(this.#pip, "change", () => (this.#controls.buttons.set("pip", this.#pip.open), this.#redraw()));
    on(document, "fullscreenchange", () => this.#controls.buttons.set("fullscreen", Boolean(document.fullscreenElement)));
    this.#talk.chat.setOpen(meeting.chatOpen);
    this.#media(meeting.connectionState);
  }

  #press(id) {
    switch (id) {
      case "microphone":
      case "camera":
        return this.#toggle(id);
      case "share":
        return this.#share();
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
        return this.#panel.open === id ? this.#panel.hide() : this.#openPanel(id);
    }
  }

  #openPanel(id) {
    if (id === "chat") return this.#panel.show(id, t("chat.title"), this.#talk.chat);
    if (id === "people") return this.#panel.show(id, t("people.title"), this.#people);
    if (id === "stats") return this.#panel.show(id, t("stats.title"), (this.#stats ??= new StatsPanel(this.#meeting, this.#pulse)));
    if (id === "room") return this.#panel.show(id, t("control.room"), this.#hosting.panel);
    this.#devices ??= new DevicePicker(this.#local, {
      more: true,
      onSpeaker: () => this.#playback.useSpeaker(),
      onChange: () => this.#redraw(),
    });
    return this.#panel.show(id, t("device.title"), this.#devices);
  }

  #panelChanged() {
    for (const id of PANELS) this.#controls.buttons.setOpen(id, this.#panel.open === id);
    if (this.#panel.open !== "stats") {
      this.#stats?.close();
      this.#stats = null;
    }
    this.#talk.setSeen(this.#panel.open === "chat", this.#cast());
    if (this.#panel.open === "people") this.#people.update(this.#cast());
    this.#drawDetails();
    this.#hosting.watching(this.#panel.open === "people");
  }

  async #share() {
    try {
      await (this.#sender.sharing ? this.#sender.stopScreen() : this.#sender.shareScreen());
    } catch (error) {
      warn(error.code ? explain(error).title : t("media.screen.failed"));
    }
  }

  /** By button or key; whatever may not be turned on now says why. */
  #toggle(source) {
    const hint = this.#local[source].on ? null : this.#hint(source);
    return hint ? notify(hint, `${source === "camera" ? "camera" : "mic"}-off`) : this.#local.toggle(source);
  }

  /** Why a source cannot be turned on, or null. */
  #hint(source) {
    if (!this.#meeting.may(source)) return t(`forbidden.${source}`);
    return source === "camera" && this.#audioOnly.on ? t("call.audioOnly") : null;
  }

  #pushToTalk(on) {
    if (on && this.#hint("microphone")) return;
    if (on) {
      this.#local.turnOn("microphone");
      notify(t("call.spaceTalking"), "mic");
    } else {
      this.#local.turnOff("microphone");
    }
  }

  #hand({ participant, up }) {
    const own = participant.id === this.#meeting.self.id;
    if (own) this.#controls.buttons.set("hand", up);
    else if (up) this.#tell("call.handRaised", participant);
    this.#redraw();
  }

  #reacted({ participant, reaction }) {
    const own = participant.id === this.#meeting.self.id;
    this.#floating.add(reaction, own ? t("you") : participant.name);
    this.#stage.react(participant.id, reactionPicture(reaction));
    if (!own) announce(t("call.reacted", { name: participant.name, reaction: reactionText(reaction) }));
  }

  #receiving(video) {
    this.#controls.buttons.set("audio", !video);
    const button = { text: t("control.video"), action: () => this.#audioOnly.toggle() };
    this.#banner.set("audio", video ? null : t("call.audioOnly"), button);
    this.#drawDevices();
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
    if (!self.admin && this.#panel.open === "room") this.#panel.hide();
    this.#drawDevices();
    this.#redraw();
  }

  #writeTo(id) {
    if (this.#panel.open !== "chat") this.#openPanel("chat");
    this.#talk.chat.writeTo(id);
  }

  #tell(key, { name }) {
    notify(t(key, { name }), "people");
  }

  #signalling(state) {
    this.#banner.set("signalling", state === "reconnecting" ? t("call.reconnecting") : null);
    if (state === "joined") notify(t("call.back"), "check");
  }

  #media(state) {
    if (state === "connected") this.#connected = true;
    const text = { new: "call.mediaConnecting", connecting: "call.mediaConnecting", disconnected: "call.mediaLost", failed: "call.mediaLost" }[state];
    const waiting = state === "connecting" && this.#connected ? "call.mediaLost" : text;
    this.#banner.set("media", waiting ? t(waiting) : null);
  }

  #sound(blocked) {
    const button = { text: t("call.soundOn"), action: () => this.#playback.resume() };
    this.#banner.set("sound", blocked ? t("call.soundBlocked") : null, button);
  }

  #drawDevices() {
    const { microphone, camera } = this.#local;
    const { buttons } = this.#controls;
    buttons.set("microphone", microphone.on, { off: !microphone.on, busy: microphone.busy, hint: this.#hint("microphone") });
    buttons.set("camera", camera.on, { off: !camera.on, busy: camera.busy, hint: this.#hint("camera") });
    buttons.set("share", this.#sender.sharing, { hint: this.#sender.sharing ? null : this.#hint("screen") });
  }

  /** Many messages, one drawing. */
  #redraw() {
    // No animation frame: people must be heard in a hidden tab, too. In a crowd, drawing leaves time for everything else.
    this.#frame ||= setTimeout(() => this.#draw(), Math.min(MOST_REST_MS, this.#drawnMs < QUICK_MS ? 0 : this.#drawnMs * REST));
  }

  #cast() {
    const { camera, microphone } = this.#local;
    return cast(this.#meeting, {
      cameraStream: camera.on ? this.#streamOf(camera.track) : null,
      screenStream: this.#streamOf(this.#sender.screenTrack),
      microphoneOn: microphone.on,
      levels: this.#pulse.levels,
    });
  }

  #draw() {
    this.#frame = 0;
    const began = performance.now();
    const { camera, microphone } = this.#local;
    const tiles = this.#cast();
    this.#stage.update(tiles);
    if (this.#panel.open === "people") this.#people.update(tiles);
    this.#controls.setPeople(this.#meeting.participants.size + 1, this.#meeting.order.waiting.length);
    this.#talk.update(tiles);
    this.#playback.update(this.#meeting.slots());
    const { prominent } = this.#stage;
    const mirrored = Boolean(prominent?.self) && !prominent.screen && settings.mirror;
    this.#pip.update(prominent, { microphone: microphone.on, camera: camera.on, mirrored });
    this.#drawnMs = performance.now() - began;
  }

  /** Figures on the tiles, while their panel is open. */
  #drawDetails() {
    const { stats } = this.#pulse;
    this.#stage.setDetails(stats && this.#panel.open === "stats" ? tileDetails(stats, this.#meeting) : new Map());
  }

  #streamOf(track) {
    if (!track) return null;
    if (!this.#streams.has(track)) this.#streams.set(track, new MediaStream([track]));
    return this.#streams.get(track);
  }

  #alone() {
    const button = (className, iconName, key, onclick) => h("button", { type: "button", class: className, onclick }, icon(iconName), t(key));
    const copy = button("primary", "link", "control.copy", copyLink);
    const send = canSend() && button("secondary", "share", "control.send", () => sendLink(this.#meeting.room));
    const ways = h("div", { class: "alone-ways" }, copy, send);
    return h("div", { class: "alone", hidden: true }, h("strong", {}, t("tile.alone")), h("p", {}, t("tile.aloneText")), ways);
  }
}
