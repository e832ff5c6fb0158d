// Names: initials and colours of people, readable names of new rooms, which names a room may have.

const QUALITIES = "amber bright calm clear early gentle golden green happy lively light merry mild open quiet silver soft sunny swift warm".split(" ");
const THINGS = "bay beach bridge cloud coast dance field forest garden harbor hill island lagoon meadow morning river song valley water wind".split(" ");
const ROOM = /^[A-Za-z0-9_.-]{1,64}$/;
const ROUTES = new Set("ws whip whep static files status metrics healthz readyz api favicon.ico robots.txt . ..".split(" "));
const HUE_STEPS = 12;

export const isRoomName = (name) => ROOM.test(name) && !ROUTES.has(name.toLowerCase());

/** Two words and digits: easy to say, not met by chance. */
export function newRoomName() {
  const [a, b, c] = crypto.getRandomValues(new Uint16Array(3));
  return `${QUALITIES[a % QUALITIES.length]}-${THINGS[b % THINGS.length]}-${1000 + (c % 9000)}`;
}

/** "Ana Maria Braga" → "AB" */
export function initials(name) {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : words;
  return letters.map((word) => [...word][0].toLocaleUpperCase()).join("") || "?";
}

/** A hue that stays with the name, in degrees. */
export function hue(name) {
  let sum = 7;
  for (const character of name) sum = (sum * 31 + character.codePointAt(0)) % 100_003;
  return (sum % HUE_STEPS) * (360 / HUE_STEPS);
}

export const firstName = (name) => name.trim().split(/\s+/)[0] ?? name;
