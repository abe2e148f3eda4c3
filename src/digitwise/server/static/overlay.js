// Boxes and numbers on a photo, with their text kept legible at any size of the photo.

import { draw } from "./dom.js";
import { guessOf, numbersOf, partsOf } from "./numbers.js";
import { percent } from "./words.js";

const LEAST = 12; // pixels on the screen of a number's text, however small its digits
const LEGIBLE = 13; // pixels on the screen that a digit must be high for text to find room
const SMALLER = 0.8; // size of a confidence, of that of its number
const SIGN = 0.62; // width of a sign, of its height
const SHARE = 4; // signs of a confidence and the space before it
const OTHERS = {
  "digit?": "Not read, perhaps a digit", mark: "Not read: a mark or word", rule: "A line or frame",
  border: "Not read: it runs out of the photo",
};

/** A box after its image of that size was turned by quarters counter-clockwise. */
export function turned([left, top, right, bottom], turn, [width, height]) {
  if (turn === 0) return [left, top, right, bottom];
  return turned([top, width - right, bottom, width - left], turn - 1, [height, width]);
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 1;
const rectOf = ([left, top, right, bottom]) => draw("rect", { x: left, y: top, width: right - left, height: bottom - top });

/** An SVG over the canvas that shows a page's photo, turned as it was read. */
export class Overlay {
  #numbers = [];
  #marks = [];
  #height; // of a usual digit, in pixels of the photo
  #width;
  #upright;

  /** `choose`, where there is one, is called with a digit and its words. */
  constructor(page, choose = null) {
    const size = [page.width, page.height];
    const [width, height] = page.turn % 2 ? size.toReversed() : size;
    this.#width = width;
    this.#upright = (box) => turned(box, page.turn, size);
    this.node = draw("svg", { viewBox: `0 0 ${width} ${height}`, class: "overlay" });
    for (const other of page.others) this.#addOther(other);
    const numbers = numbersOf(page);
    for (const number of numbers) this.#addNumber(number);
    for (const number of numbers) for (const digit of number.digits) this.#addDigit(digit, choose);
    this.#height = median(this.#marks.map(({ box }) => box[3] - box[1]));
    new ResizeObserver(() => this.#fit()).observe(this.node);
  }

  #addOther({ kind, box, confidence }) {
    const words = confidence === null ? OTHERS[kind] : `${OTHERS[kind]}, ${percent(confidence)}`;
    this.node.append(draw("g", { class: kind === "digit?" ? "other doubtful" : "other" }, draw("title", {}, words),
      rectOf(this.#upright(box))));
  }

  #addNumber(number) {
    const box = this.#upright(number.box);
    const parts = partsOf(number).map(({ text, digit }) => {
      return draw("tspan", { class: digit?.status === "unsure" ? "doubt" : "" }, text);
    });
    const share = draw("tspan", { class: "share" }, ` ${Math.floor(number.confidence * 99.99)}%`);
    const label = draw("text", { class: "label" }, ...parts, share);
    const words = `Line ${number.row + 1}: ${guessOf(number)}, ${number.status}, ${percent(number.confidence)}`;
    this.node.append(draw("g", { class: `number ${number.status}` }, draw("title", {}, words), rectOf(box), label));
    this.#numbers.push({ box, label, share, signs: number.written.length });
  }

  #addDigit(digit, choose) {
    const said = digit.status === "read" ? "read as" : "unsure, perhaps";
    const place = `Line ${digit.row + 1}, digit ${digit.column + 1}`;
    const words = `${place}: ${said} ${digit.label}, ${percent(digit.confidence)}`;
    const box = this.#upright(digit.box);
    const mark = draw("g", { class: `mark ${digit.status}` }, draw("title", {}, words), rectOf(box));
    if (choose) this.#makeButton(mark, words, () => choose(digit, words));
    this.#marks.push({ box, mark });
    this.node.append(mark);
  }

  #makeButton(mark, words, choose) {
    for (const [name, value] of Object.entries({ role: "button", tabindex: 0, "aria-label": words })) {
      mark.setAttribute(name, value);
    }
    const chosen = () => {
      for (const each of this.#marks) each.mark.classList.toggle("chosen", each.mark === mark);
      choose();
    };
    mark.addEventListener("click", chosen);
    mark.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      chosen();
    });
  }

  #fit() {
    const { width } = this.node.getBoundingClientRect();
    if (!width) return; // it was taken away
    const pixel = this.#width / width; // of the screen, in those of the photo
    const size = Math.max(LEAST * pixel, this.#height * 0.32);
    this.node.classList.toggle("crowded", this.#height / pixel < LEGIBLE);
    for (const number of this.#numbers) this.#place(number, size, pixel);
  }

  /** A number's text above it where there is room, from its left edge, with its confidence where that fits. */
  #place({ box: [left, top, right, bottom], label, share, signs }, size, pixel) {
    const short = signs * SIGN * size;
    const whole = short + SHARE * SIGN * SMALLER * size;
    const roomy = whole <= right - left + this.#height;
    share.setAttribute("font-size", size * SMALLER);
    share.classList.toggle("unseen-share", !roomy);
    label.setAttribute("font-size", size);
    label.setAttribute("x", Math.max(0, Math.min(left, this.#width - (roomy ? whole : short))));
    label.setAttribute("y", top - 3 * pixel >= size ? top - 4 * pixel : bottom + size);
  }
}
