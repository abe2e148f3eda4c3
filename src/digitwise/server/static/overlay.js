// Boxes and readings on a photo, with its text kept legible at any size of the photo.

import { draw } from "./dom.js";
import { percent } from "./words.js";

const LEAST = 12; // pixels on the screen of a reading, however small the digit
const LEGIBLE = 13; // pixels on the screen that a digit must be high for readings to find room
const ROOMY = 26; // pixels on the screen that it must be wide for its confidence too

/** A box after its picture of that size was turned by quarters counter-clockwise. */
export function turned([left, top, right, bottom], turn, [width, height]) {
  if (turn === 0) return [left, top, right, bottom];
  return turned([top, width - right, bottom, width - left], turn - 1, [height, width]);
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 1;

/** An SVG over the canvas that shows a page's photo, turned as it was read. */
export class Overlay {
  #marks = [];
  #height; // of a usual digit, in pixels of the photo
  #breadth;
  #width;

  /** `choose`, where there is one, is called with a digit and its words. */
  constructor(page, choose = null) {
    const size = [page.width, page.height];
    const [width, height] = page.turn % 2 ? size.toReversed() : size;
    this.#width = width;
    this.node = draw("svg", { viewBox: `0 0 ${width} ${height}`, class: "overlay" });
    page.lines.forEach((line, row) => {
      line.digits.forEach((digit, column) => {
        const box = turned(digit.box, page.turn, size);
        const said = digit.status === "read" ? "read as" : "unsure, perhaps";
        const words = `Line ${row + 1}, digit ${column + 1}: ${said} ${digit.label}, ${percent(digit.confidence)}`;
        this.#add(digit, box, words, choose);
      });
    });
    this.#height = median(this.#marks.map(({ box }) => box[3] - box[1]));
    this.#breadth = median(this.#marks.map(({ box }) => box[2] - box[0]));
    new ResizeObserver(() => this.#fit()).observe(this.node);
  }

  #add(digit, box, words, choose) {
    const [left, top, right, bottom] = box;
    const sure = digit.status === "read";
    const rect = draw("rect", { x: left, y: top, width: right - left, height: bottom - top });
    const label = draw("text", { class: "label", x: (left + right) / 2 }, sure ? digit.label : `${digit.label}?`);
    const share = draw("text", { class: "share", x: (left + right) / 2 }, `${Math.floor(digit.confidence * 99.99)}%`);
    const title = draw("title", {}, words);
    const mark = draw("g", { class: `mark ${digit.status}` }, title, rect, label, share);
    if (choose) {
      for (const [name, value] of Object.entries({ role: "button", tabindex: 0, "aria-label": words })) {
        mark.setAttribute(name, value);
      }
      const chosen = () => {
        for (const each of this.#marks) each.mark.classList.toggle("chosen", each.mark === mark);
        choose(digit, words);
      };
      mark.addEventListener("click", chosen);
      mark.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        chosen();
      });
    }
    this.#marks.push({ box, label, share, mark });
    this.node.append(mark);
  }

  #fit() {
    const { width } = this.node.getBoundingClientRect();
    if (!width) return; // it was taken away
    const pixel = this.#width / width; // of the screen, in those of the photo
    const size = Math.max(LEAST * pixel, this.#height * 0.32);
    this.node.classList.toggle("crowded", this.#height / pixel < LEGIBLE);
    this.node.classList.toggle("roomy", this.#breadth / pixel >= ROOMY);
    for (const { box: [, top, , bottom], label, share } of this.#marks) {
      const above = top - 3 * pixel >= size;
      label.setAttribute("font-size", size);
      label.setAttribute("y", above ? top - 4 * pixel : bottom + size);
      share.setAttribute("font-size", LEAST * 0.9 * pixel);
      share.setAttribute("y", above ? bottom + LEAST * pixel : top - 4 * pixel);
    }
  }
}
