// A table that is renewed calmly: rows stay the same elements for as long as their key is there, and only texts that differ
// are written, so that nothing jumps, and a selection or the focus survives.

import { h } from "../ui/dom.js";

const TONES = ["good", "bad"];

export class Table {
  #columns;
  #rows = new Map(); // key → {row, fields}
  #body = h("tbody");
  #empty;

  /** @param {string} caption  @param {{label: string, number?: boolean}[]} columns  @param {string} empty is said instead of rows */
  constructor(caption, columns, empty) {
    this.#columns = columns;
    this.#empty = h("p", { class: "status-empty" }, empty);
    const names = columns.map(({ label, number }) => h("th", { scope: "col", class: number ? "number" : "" }, label));
    const table = h("table", {}, h("caption", {}, caption), h("thead", {}, h("tr", {}, names)), this.#body);
    // A narrow screen scrolls the table and not the page; whoever has no pointer scrolls it with the keyboard.
    const region = { class: "status-table", tabIndex: 0, role: "region", "aria-label": caption };
    this.element = h("div", region, table, this.#empty);
  }

  /** @param {{key: string, cells: (string | {text: string, href?: string, share?: number, tone?: string})[]}[]} rows
   *  share: 0 to 1, of a bar beside the text; tone: "good" or "bad", a dot before it */
  update(rows) {
    const left = new Set(this.#rows.keys());
    rows.forEach(({ key, cells }, index) => {
      left.delete(key);
      if (!this.#rows.has(key)) this.#rows.set(key, this.#row());
      const { row, fields } = this.#rows.get(key);
      cells.forEach((cell, column) => write(fields[column], cell));
      if (this.#body.children[index] !== row) this.#body.insertBefore(row, this.#body.children[index] ?? null);
    });
    for (const key of left) {
      this.#rows.get(key).row.remove();
      this.#rows.delete(key);
    }
    this.#empty.hidden = rows.length > 0;
  }

  #row() {
    const fields = this.#columns.map(({ number }, index) =>
      index ? h("td", { class: number ? "number" : "" }) : h("th", { scope: "row" }),
    );
    return { row: h("tr", {}, fields), fields };
  }
}

function write(field, cell) {
  const { text, href = null, share, tone } = typeof cell === "string" ? { text: cell } : cell;
  if (share !== undefined) field.style.setProperty("--share", share.toFixed(3));
  field.classList.toggle("metered", share !== undefined);
  for (const one of TONES) field.classList.toggle(one, tone === one);
  if (field.textContent === text && (field.firstElementChild?.getAttribute("href") ?? null) === href) return;
  field.replaceChildren(href ? h("a", { href }, text) : text);
}
