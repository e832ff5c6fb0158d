// Which keys do what, for people; keys.js is what makes them do it. Keys without Ctrl can be turned off: some people's tools type
// what they say (WCAG 2.1.4).

import { h } from "../ui/dom.js";
import { t } from "../ui/i18n.js";
import { remember, settings } from "../ui/settings.js";

const MAC = /mac|iphone|ipad/i.test(navigator.userAgentData?.platform ?? navigator.platform);
const CONTROL = MAC ? "⌘" : "Ctrl";
const BOTH = MAC ? ["Ctrl", "⌘"] : ["Ctrl", "Alt"];

// name → keys that are pressed together, and other ways
const SHORTCUTS = [
  ["keys.microphone", [[CONTROL, "D"]]],
  ["keys.camera", [[CONTROL, "E"]]],
  ["keys.talk", [["space"]]],
  ["keys.hand", [[...BOTH, "H"]]],
  ["keys.chat", [[...BOTH, "C"]]],
  ["keys.people", [[...BOTH, "P"]]],
  ["keys.help", [["?"], [CONTROL, "/"]]],
  ["keys.close", [["Esc"]]],
];

const keyName = (key) => (key === "space" ? t("keys.space") : key);

function combination(keys) {
  return h("span", { class: "keys-together" }, keys.flatMap((key, index) => [index ? " + " : "", h("kbd", {}, keyName(key))]));
}

export class Shortcuts {
  constructor() {
    const rows = SHORTCUTS.map(([name, ways]) =>
      h("div", { class: "keys-row" }, h("dt", {}, t(name)), h("dd", {}, ways.flatMap((keys, index) => [index ? ` ${t("keys.or")} ` : "", combination(keys)]))),
    );
    const plain = h("input", { type: "checkbox", role: "switch", checked: settings.plainKeys, onchange: () => remember({ plainKeys: plain.checked }) });
    this.element = h(
      "div",
      { class: "keys" },
      h("dl", {}, rows),
      h("label", { class: "switch" }, h("span", {}, t("keys.plain")), plain),
    );
  }
}
