// What happens in a call, told in passing: who comes, goes, shares, raises a hand or reacts, and what went wrong with one's own devices.

import { announce } from "../ui/dom.js";
import { t } from "../ui/i18n.js";
import { explain } from "../ui/problem.js";
import { notify, warn } from "../ui/toast.js";
import { reactionPicture, reactionText } from "./reactions.js";

export class News {
  #meeting;
  #stage;
  #floating;

  /** @param {(target: EventTarget, type: string, listener: (detail: object) => void) => void} on
   *  @param {{stage: Stage, floating: Floating}} view  where reactions are seen */
  constructor(on, { meeting, local, sender }, { stage, floating }) {
    this.#meeting = meeting;
    this.#stage = stage;
    this.#floating = floating;
    on(meeting, "participantjoined", ({ participant }) => this.#tell("call.joined", participant));
    on(meeting, "participantleft", ({ participant }) => this.#tell("call.left", participant));
    on(meeting, "trackadded", ({ participant, track }) => track.source === "screen" && this.#tell("call.sharing", participant));
    on(meeting, "hand", ({ participant, up }) => up && !this.#own(participant) && this.#tell("call.handRaised", participant));
    on(meeting, "reaction", (reaction) => this.#reacted(reaction));
    on(meeting, "error", (error) => this.#failed(error));
    on(sender, "problem", ({ error }) => this.#failed(error));
    on(local, "problem", ({ source, reason }) => warn(t(`media.${source}.${reason}`)));
    on(local, "switched", ({ source, label }) => notify(t(`media.${source}.switched`, { label }), source === "camera" ? "camera" : "mic"));
  }

  #reacted({ participant, reaction }) {
    const own = this.#own(participant);
    this.#floating.add(reaction, own ? t("you") : participant.name);
    this.#stage.react(participant.id, reactionPicture(reaction));
    if (!own) announce(t("call.reacted", { name: participant.name, reaction: reactionText(reaction) }));
  }

  #failed(error) {
    warn(Object.values(explain(error)).join(". "));
  }

  #own({ id }) {
    return id === this.#meeting.self.id;
  }

  #tell(key, { name }) {
    notify(t(key, { name }), "people");
  }
}
