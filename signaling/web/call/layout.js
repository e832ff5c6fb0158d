// Where tiles go. Pure geometry: numbers in, boxes out; everything in CSS pixels.

const WIDEST = 16 / 9;
const NARROWEST_LANDSCAPE = 5 / 4;
const NARROWEST_PORTRAIT = 2 / 3; // phones: faces fit into upright tiles
const STRIP = { share: 0.2, least: 148, most: 280, far: 0.13 }; // far: of a wall of pixels, seen from farther away
const UNDER_SCREEN = 0.45; // of the height: a screen is wide, and would leave most of an upright stage black
const CORNER = { share: 0.22, least: 96, most: 260, far: 0.13, inset: 12 };

/** The rows and columns that show `count` people best in equal tiles, last row centred. Returns [{x, y, width, height}].
 *  A picture fills its tile, so a face grows with the tile's height: two on a 4:3 screen are larger side by side, cut a little,
 *  than whole and one above the other. */
export function gridBoxes(count, width, height, gap) {
  if (count === 0 || width <= 0 || height <= 0) return [];
  const narrowest = width < height ? NARROWEST_PORTRAIT : NARROWEST_LANDSCAPE;
  let best = { worth: -1 };
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const cell = { width: (width - gap * (columns - 1)) / columns, height: (height - gap * (rows - 1)) / rows };
    if (cell.width < 1 || cell.height < 1) continue; // nothing but gaps
    const size = fit(cell.width, cell.height, narrowest);
    const worth = size.width * size.height * size.height;
    if (worth > best.worth) best = { ...size, worth, columns, rows };
  }
  return place(count, best, width, height, gap);
}

/** One tile over the whole stage; a second one, if any, small in its lower right corner. */
export function speakerBoxes(count, width, height) {
  if (count === 0) return [];
  const main = { x: 0, y: 0, width, height };
  if (count === 1) return [main];
  const upright = width < height;
  const short = Math.round(beside(CORNER, Math.max(width, height)));
  const small = upright ? { width: Math.round((short * 3) / 4), height: short } : { width: short, height: Math.round((short * 9) / 16) };
  return [main, { x: width - small.width - CORNER.inset, y: height - small.height - CORNER.inset, ...small }];
}

/** One tile large, the others in a strip beside it (landscape) or below it (portrait). The first box is the large one.
 *  @param {boolean} [screen]  whether the large one is somebody's screen */
export function focusBoxes(count, width, height, gap, screen = false) {
  if (count <= 1) return count === 1 ? [{ x: 0, y: 0, width, height }] : [];
  const upright = width < height;
  const along = upright ? height : width;
  const most = upright && screen ? height * UNDER_SCREEN : beside(STRIP, along);
  const small = gridBoxes(count - 1, upright ? width : most, upright ? most : height, gap);
  const [near, far] = extent(small, upright); // the strip is as wide as its tiles, no wider
  const strip = far - near;
  const main = { x: 0, y: 0, width: upright ? width : width - strip - gap, height: upright ? height - strip - gap : height };
  const shift = along - far;
  return [main, ...small.map((box) => (upright ? { ...box, y: box.y + shift } : { ...box, x: box.x + shift }))];
}

/** How large what lies beside the main thing is. @param {number} along  of the stage */
function beside({ share, least, most, far }, along) {
  return Math.min(Math.max(most, along * far), Math.max(least, along * share));
}

function extent(boxes, upright) {
  const starts = boxes.map(({ x, y }) => (upright ? y : x));
  const ends = boxes.map((box) => (upright ? box.y + box.height : box.x + box.width));
  return [Math.min(...starts), Math.max(...ends)];
}

function fit(width, height, narrowest) {
  if (width / height > WIDEST) return { width: Math.floor(height * WIDEST), height: Math.floor(height) };
  if (width / height < narrowest) return { width: Math.floor(width), height: Math.floor(width / narrowest) };
  return { width: Math.floor(width), height: Math.floor(height) };
}

function place(count, { columns, rows, width: w, height: h }, width, height, gap) {
  const top = Math.floor((height - rows * h - (rows - 1) * gap) / 2);
  return Array.from({ length: count }, (_, index) => {
    const row = Math.floor(index / columns);
    const inRow = row === rows - 1 ? count - row * columns : columns;
    const left = Math.floor((width - inRow * w - (inRow - 1) * gap) / 2);
    return { x: left + (index % columns) * (w + gap), y: top + row * (h + gap), width: w, height: h };
  });
}
