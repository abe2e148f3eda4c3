// The probability of each class, as bars and as text.

import { make } from "./dom.js";
import { percent } from "./words.js";

/** A table with a row a class. */
export class Bars {
  #rows = new Map();

  constructor(classes) {
    const rows = classes.map((label) => this.#row(label));
    const caption = make("caption", { className: "unseen", textContent: "Probability of each class" });
    this.node = make("table", { className: "bars" }, caption, make("tbody", {}, ...rows));
  }

  #row(label) {
    const fill = make("i");
    const share = make("td", { className: "share" });
    const row = make("tr", {}, make("th", { scope: "row", textContent: label }), make("td", {}, fill), share);
    this.#rows.set(label, { row, fill, share });
    return row;
  }

  /** Show probabilities by class; none where there is nothing to be said. */
  show(probabilities, best) {
    for (const [label, { row, fill, share }] of this.#rows) {
      const value = probabilities?.[label];
      fill.style.inlineSize = `${(value ?? 0) * 100}%`;
      share.textContent = value === undefined ? "–" : percent(value);
      row.classList.toggle("best", label === best);
    }
  }
}
