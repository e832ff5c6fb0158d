// The keyboard in a call; see shortcuts.js for what people are told of it. Most keys are Google Meet's.

import { settings } from "../ui/settings.js";

const WRITING = "input:not([type=checkbox]), textarea, select, [contenteditable]";
const PRESSING = `${WRITING}, input, button, a, [popover]`; // space means something there
const WITH_CONTROL = { d: "microphone", e: "camera" };
const WITH_ALT = { c: "chat", p: "people", h: "hand" };

const inside = (target, selector) => Boolean(target.closest?.(selector));

/** Of a key with modifiers, which may make another sign of it. */
const letter = ({ key, code }) => (/^[a-z]$/i.test(key) ? key : code.replace(/^Key/, "")).toLowerCase();

export class Keys {
  #actions;
  #talking = false;

  /** @param {{press: (id: string) => void, talk: (on: boolean) => void, muted: () => boolean}} actions  press: as a button of the bar */
  constructor(actions) {
    this.#actions = actions;
    this._down = (event) => this.#down(event);
    this._up = (event) => event.code === "Space" && this.#end();
    this._blur = () => this.#end();
    addEventListener("keydown", this._down);
    addEventListener("keyup", this._up);
    addEventListener("blur", this._blur);
  }

  close() {
    removeEventListener("keydown", this._down);
    removeEventListener("keyup", this._up);
    removeEventListener("blur", this._blur);
  }

  #down(event) {
    if (!event.key) return; // a browser that fills in a field
    const id = this.#meant(event);
    if (id) {
      event.preventDefault();
      if (!event.repeat) this.#actions.press(id);
    } else if (event.code === "Space" && settings.plainKeys && !inside(event.target, PRESSING)) {
      event.preventDefault();
      if (this.#talking || event.repeat || !this.#actions.muted()) return;
      this.#talking = true;
      this.#actions.talk(true);
    }
  }

  /** The button that a key stands for, or undefined. */
  #meant(event) {
    const { key, ctrlKey, metaKey, altKey, shiftKey } = event;
    if (event.getModifierState("AltGraph")) return undefined; // writes a sign
    if (altKey ? ctrlKey : ctrlKey && metaKey) return shiftKey ? undefined : WITH_ALT[letter(event)];
    if (altKey) return undefined;
    if (ctrlKey || metaKey) return key === "/" ? "keys" : shiftKey ? undefined : WITH_CONTROL[letter(event)];
    return key === "?" && settings.plainKeys && !inside(event.target, WRITING) ? "keys" : undefined;
  }

  #end() {
    if (!this.#talking) return;
    this.#talking = false;
    this.#actions.talk(false);
  }
}
