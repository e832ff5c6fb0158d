// Numbers as people read them, in the page's language.

const numbers = new Map(); // digits → Intl.NumberFormat

function number(value, digits) {
  if (!numbers.has(digits)) {
    const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    numbers.set(digits, new Intl.NumberFormat(document.documentElement.lang, options));
  }
  return numbers.get(digits).format(value);
}

export const NOTHING = "–";

export const count = (value) => number(value, 0);

export const perSecond = (value) => (value === null ? NOTHING : `${number(value, 0)}/s`);

export const percent = (ratio, digits = 0) => (ratio === null ? NOTHING : `${number(ratio * 100, digits)} %`);

export const ms = (seconds, digits = 1) => `${number(seconds * 1000, digits)} ms`;

/** Bits a second, null for "not known yet". */
export function bits(value) {
  if (value === null) return NOTHING;
  for (const [unit, size] of [["Gbit/s", 1e9], ["Mbit/s", 1e6]]) if (value >= size) return `${number(value / size, 1)} ${unit}`;
  return `${number(value / 1e3, 0)} kbit/s`;
}

/** 3725 → "1 h 2 min" */
export function duration(seconds) {
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days) return `${days} d ${hours % 24} h`;
  if (hours) return `${hours} h ${minutes % 60} min`;
  return minutes ? `${minutes} min` : `${Math.floor(seconds)} s`;
}
