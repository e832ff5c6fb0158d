// The keyboard in a call: Ctrl+D microphone, Ctrl+E camera (Command on a Mac), and space held down to talk while muted.

const typing = (target) => target.closest?.("input, textarea, select, button, a, [contenteditable], [popover]");

export class Keys {
  #actions;
  #talking = false;

  /** @param {{toggle: (source: string) => void, talk: (on: boolean) => void, muted: () => boolean}} actions */
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
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey) {
      const source = { d: "microphone", e: "camera" }[event.key.toLowerCase()];
      if (!source) return;
      event.preventDefault();
      if (!event.repeat) this.#actions.toggle(source);
    } else if (event.code === "Space" && !typing(event.target)) {
      event.preventDefault();
      if (this.#talking || event.repeat || !this.#actions.muted()) return;
      this.#talking = true;
      this.#actions.talk(true);
    }
  }

  #end() {
    if (!this.#talking) return;
    this.#talking = false;
    this.#actions.talk(false);
  }
}
