// The language of the page: the browser's, if there is a file for it in lang/, else English.

import en from "../lang/en.js";

const FILES = { pt: () => import("../lang/pt.js").catch(() => ({ default: en })) }; // better in English than not at all
let texts = en;
let hours = null; // making one takes a browser as long as a few frames

/** Picks the language once, before the first view. */
export async function chooseLanguage(wanted = navigator.languages) {
  for (const tag of wanted) {
    const language = tag.toLowerCase().split("-")[0];
    if (language === "en") break;
    if (!FILES[language]) continue;
    texts = { ...en, ...(await FILES[language]()).default };
    break;
  }
  document.documentElement.lang = texts.language;
}

/** The text for a key; `{name}` in it is replaced by values.name. Unknown keys are a mistake of ours and show as such. */
export function t(key, values = {}) {
  const text = texts[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

export function has(key) {
  return key in texts;
}

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte"];

/** 2100000 → "2.1 MB" */
export function fileSize(bytes) {
  const step = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const format = { style: "unit", unit: UNITS[step], unitDisplay: step ? "short" : "long", maximumFractionDigits: step > 1 ? 1 : 0 };
  return new Intl.NumberFormat(undefined, format).format(bytes / 1000 ** step);
}

export function clock(at) {
  hours ??= new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
  return hours.format(at);
}
