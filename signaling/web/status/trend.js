// How a figure went during the last minutes, as a small line under it. Decoration: the number itself stands beside it as text.

const SVG = "http://www.w3.org/2000/svg";
const MOST_LOOKS = 60; // two minutes, at one look every two seconds
const WIDTH = 100; // of the drawing's own units, as is the height
const HEIGHT = 30;
const HEADROOM = 1.25; // a steady figure runs below the upper edge

export class Trend {
  #values = [];
  #line = document.createElementNS(SVG, "polyline");
  #area = document.createElementNS(SVG, "polygon");

  constructor() {
    this.element = document.createElementNS(SVG, "svg");
    for (const [name, value] of [["class", "trend"], ["viewBox", `0 0 ${WIDTH} ${HEIGHT}`], ["preserveAspectRatio", "none"], ["aria-hidden", "true"]]) {
      this.element.setAttribute(name, value);
    }
    this.element.append(this.#area, this.#line);
  }

  /** @param {number | null} value  null: not known, nothing is drawn for it */
  add(value) {
    if (value === null) return;
    this.#values = [...this.#values.slice(1 - MOST_LOOKS), value];
    const points = outline(this.#values);
    this.#line.setAttribute("points", points.join(" "));
    const oldest = points[0]?.split(",")[0];
    this.#area.setAttribute("points", points.length ? [`${oldest},${HEIGHT}`, ...points, `${WIDTH},${HEIGHT}`].join(" ") : "");
  }
}

/** "x,y" of each value, the newest at the right edge, zero at the lower one. */
function outline(values) {
  if (values.length < 2) return [];
  const most = Math.max(...values) * HEADROOM || 1;
  const step = WIDTH / (MOST_LOOKS - 1);
  return values.map((value, index) => `${(WIDTH - (values.length - 1 - index) * step).toFixed(2)},${(HEIGHT * (1 - value / most)).toFixed(2)}`);
}
