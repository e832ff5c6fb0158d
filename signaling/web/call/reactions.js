// Reactions to the eye: the row to choose from, and what floats up the side of the stage for a few seconds.

import { REACTIONS } from "../client/reactions.js";
import { h, picture } from "../ui/dom.js";
import { t } from "../ui/i18n.js";
import { firstName } from "../ui/names.js";

const PICTURES = ["thumb", "clap", "heart", "laugh", "wow", "party"]; // in the order of REACTIONS
const FLOAT_MS = 3_500;
const MOST = 12; // more at once would be a curtain
const COLUMNS = 3;
const COLUMN_PX = 84;

const nameOf = (reaction) => PICTURES[REACTIONS.indexOf(reaction)];

/** The drawing of a reaction; systems without an emoji font show it, too. */
export const reactionPicture = (reaction) => picture("reactions", nameOf(reaction));

export const reactionText = (reaction) => t(`reaction.${nameOf(reaction)}`);

/** @param {(reaction: string) => void} react */
export function reactionRow(react, className = "reaction-row") {
  const button = (reaction) =>
    h(
      "button",
      { type: "button", class: "reaction", title: reactionText(reaction), "aria-label": reactionText(reaction), onclick: () => react(reaction) },
      reactionPicture(reaction),
    );
  return h("div", { class: className }, REACTIONS.map(button));
}

export class Floating {
  element = h("div", { class: "floating", "aria-hidden": "true" });

  #count = 0;

  add(reaction, name) {
    const one = h("div", { class: "float" }, reactionPicture(reaction), h("span", {}, firstName(name)));
    one.style.setProperty("--x", `${(this.#count++ % COLUMNS) * COLUMN_PX}px`);
    this.element.append(one);
    while (this.element.children.length > MOST) this.element.firstChild.remove();
    setTimeout(() => one.remove(), FLOAT_MS);
  }
}
