// The chosen photo, large: in work, as one digit with its result, or as a page with boxes and numbers.

import { busyOf } from "./busy.js";
import { Chooser } from "./chooser.js";
import { download, linesOf } from "./csv.js";
import { make } from "./dom.js";
import { legendOf } from "./legend.js";
import { guessOf, numbersOf, partsOf } from "./numbers.js";
import { Overlay } from "./overlay.js";
import { cutOut, opened, part } from "./images.js";
import { Result } from "./result.js";
import { percent, some, STATUS } from "./words.js";

const ZOOMS = [1, 1.5, 2, 3, 4, 6];

/** Fills an element with the photo that is chosen. */
export class Viewer {
  #node;
  #classes;
  #more;
  #photo = null;

  /** `more` says whether the server `collects`; `cancel` and `again` are called with a photo. */
  constructor(node, classes, more) {
    this.#node = node;
    this.#classes = classes;
    this.#more = more;
  }

  /** Show a photo as it stands now. */
  async show(photo) {
    this.#photo = photo;
    const state = photo.status;
    const said = photo.done ? null : this.#busy(photo); // at once: to open a large photo takes its time
    const bitmap = await opened(photo.file);
    if (this.#photo !== photo || photo.status !== state) return bitmap?.close(); // another one meanwhile
    const { page } = photo;
    const whole = bitmap && part(bitmap, [0, 0, bitmap.width, bitmap.height], page ? page.turn : 0);
    bitmap?.close();
    this.#node.dataset.kind = page || said ? "numbers" : "single";
    if (said) this.#node.replaceChildren(this.#frame(whole, photo.name), said);
    else this.#node.replaceChildren(...(page ? this.#page(photo, whole) : this.#single(photo, whole)));
  }

  #busy(photo) {
    const said = busyOf(photo, () => this.#more.cancel(photo));
    this.#node.dataset.kind = "numbers";
    this.#node.replaceChildren(said);
    return said;
  }

  #single(photo, canvas) {
    const node = make("div", { className: "result" });
    if (photo.status === "cancelled") {
      const again = make("button", { type: "button", className: "button", textContent: "Read it" });
      again.addEventListener("click", () => this.#more.again(photo));
      const status = make("p", { className: "status", textContent: STATUS.cancelled });
      node.dataset.status = photo.status;
      node.append(make("div", { className: "said" }, status, make("p", { className: "soft" }, photo.words), again));
    } else {
      const result = new Result(node, this.#classes, { collects: this.#more.collects });
      result.offer(() => photo.file);
      result.show(photo.reading ?? { status: "error", error: photo.error });
    }
    return [this.#frame(canvas, photo.name), node];
  }

  #page(photo, canvas) {
    const { page } = photo;
    const numbers = numbersOf(page);
    const lines = make("ol", { className: "lines" }, ...page.lines.map((_, row) => lineOf(numbers, row)));
    const status = make("p", { className: "status", textContent: STATUS[photo.status] });
    const words = make("p", { className: "words soft", textContent: photo.words });
    const said = make("div", { className: "page-said" }, status, words, lines);
    said.dataset.status = photo.status;
    if (page.table) said.append(tableOf(page.table, photo.name));
    if (numbers.length) said.append(eachNumber(numbers));
    const correction = this.#more.collects && canvas && numbers.length ? this.#correction(photo, said) : null;
    const overlay = new Overlay(page, correction);
    return [this.#frame(canvas, photo.name, overlay.node, legendOf(page)), said];
  }

  /** What happens when a digit on the photo is chosen: its right label can be. */
  #correction(photo, node) {
    const words = make("p", { className: "small", textContent: "A digit is wrong? Choose it on the photo." });
    const chooser = new Chooser(this.#classes);
    node.append(words, chooser.node);
    return (digit, said) => {
      words.textContent = said;
      chooser.offer(() => cutOut(photo.file, digit.box, photo.page.turn));
      chooser.node.hidden = false;
    };
  }

  #frame(canvas, name, overlay = null, legend = null) {
    const stage = make("div", { className: "stage" }, canvas ?? make("p", {
      className: "no-image soft", textContent: "This browser cannot show the image.",
    }));
    if (canvas && overlay) stage.append(overlay);
    const caption = make("figcaption", {}, make("span", { className: "small soft", textContent: name }));
    if (canvas && overlay) caption.append(zoomOf(stage));
    canvas?.setAttribute("role", "img");
    canvas?.setAttribute("aria-label", name);
    const figure = make("figure", { className: "photo" }, make("div", { className: "window" }, stage), caption);
    if (canvas && legend) figure.append(legend);
    return figure;
  }
}

function zoomOf(stage) {
  let step = 0;
  const buttons = [["−", "Smaller", -1], ["+", "Larger", 1]].map(([sign, label, by]) => {
    const button = make("button", { type: "button", className: "button", textContent: sign });
    button.setAttribute("aria-label", label);
    button.addEventListener("click", () => go(by));
    return button;
  });
  function go(by) {
    step = Math.min(Math.max(step + by, 0), ZOOMS.length - 1);
    stage.style.inlineSize = `${ZOOMS[step] * 100}%`;
    buttons[0].disabled = step === 0;
    buttons[1].disabled = step === ZOOMS.length - 1;
  }
  go(0);
  return make("span", { className: "zoom" }, ...buttons);
}

/** The numbers of a line, what is unsure in them marked. */
function lineOf(numbers, row) {
  const spans = numbers.filter((number) => number.row === row).map((number) => {
    const parts = partsOf(number).map(({ text, digit }) => {
      if (!digit || digit.status === "read") return text;
      return make("mark", { textContent: text, title: `perhaps ${digit.label}, ${percent(digit.confidence)}` });
    });
    return make("span", { className: number.status, title: `${percent(number.confidence)} sure` }, ...parts);
  });
  return make("li", {}, make("span", {}, ...spans.flatMap((span, place) => (place ? [" ", span] : [span]))));
}

/** The page as a table, which can be saved as one. */
function tableOf(rows, name) {
  const cells = rows.map((texts) => make("tr", {}, ...texts.map((text) => {
    return make("td", { textContent: text, className: text.includes("?") ? "unsure" : "" });
  })));
  const save = make("button", { type: "button", className: "button", textContent: "Save the table as CSV" });
  save.addEventListener("click", () => download(linesOf(rows), `${name.replace(/.*\//, "").replace(/\.\w+$/, "")}.csv`));
  const table = make("table", { className: "cells" }, make("tbody", {}, ...cells));
  const summary = make("summary", { textContent: `Table of ${some(rows.length, "row")}` });
  return make("details", { open: true }, summary, make("div", { className: "wide" }, table), save);
}

function eachNumber(numbers) {
  const row = (tag, texts) => make("tr", {}, ...texts.map((textContent) => make(tag, { textContent })));
  const rows = numbers.map((number) => {
    const guess = number.status === "read" ? "" : guessOf(number);
    return row("td", [number.row + 1, number.written, guess, percent(number.confidence), STATUS[number.status]]);
  });
  const head = make("thead", {}, row("th", ["Line", "Number", "Perhaps", "Confidence", "Status"]));
  const table = make("table", {}, head, make("tbody", {}, ...rows));
  return make("details", {}, make("summary", { textContent: "Each number" }), make("div", { className: "wide" }, table));
}
