// The chosen photo, large: as one digit with its result, or as a page with boxes and lines.

import { Chooser } from "./chooser.js";
import { make } from "./dom.js";
import { Overlay } from "./overlay.js";
import { cutOut, opened, part } from "./pictures.js";
import { Result } from "./result.js";
import { percent, STATUS } from "./words.js";

const ZOOMS = [1, 1.5, 2, 3, 4, 6];

/** Fills an element with the photo that is chosen. */
export class Viewer {
  #node;
  #classes;
  #collects;
  #photo = null;

  constructor(node, classes, { collects }) {
    this.#node = node;
    this.#classes = classes;
    this.#collects = collects;
  }

  /** Show a photo as it stands now. */
  async show(photo) {
    this.#photo = photo;
    const state = photo.status;
    const bitmap = await opened(photo.file);
    if (this.#photo !== photo || photo.status !== state) return bitmap?.close(); // another one meanwhile
    const page = state !== "error" && photo.page;
    const whole = bitmap && part(bitmap, [0, 0, bitmap.width, bitmap.height], page ? page.turn : 0);
    bitmap?.close();
    this.#node.dataset.kind = page ? "numbers" : "single";
    this.#node.replaceChildren(...(page ? this.#page(photo, whole) : this.#single(photo, whole)));
  }

  #single(photo, canvas) {
    const node = make("div", { className: "result" });
    if (photo.done) {
      const result = new Result(node, this.#classes, { collects: this.#collects });
      result.offer(() => photo.file);
      result.show(photo.reading ?? { status: "error", error: photo.error });
    } else node.append(make("p", { className: "soft", textContent: STATUS[photo.status] }));
    return [this.#frame(canvas, photo.name), node];
  }

  #page(photo, canvas) {
    const { page } = photo;
    const lines = make("ol", { className: "lines" }, ...page.lines.map(lineOf));
    const status = make("p", { className: "status", textContent: STATUS[photo.status] });
    const words = make("p", { className: "words soft", textContent: photo.words });
    const said = make("div", { className: "page-said" }, status, words, lines);
    said.dataset.status = photo.status;
    if (page.lines.length) said.append(eachDigit(page));
    const overlay = new Overlay(page, this.#collects && canvas ? this.#correction(photo, said) : null);
    return [this.#frame(canvas, photo.name, overlay.node), said];
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

  #frame(canvas, name, overlay = null) {
    const stage = make("div", { className: "stage" }, canvas ?? make("p", {
      className: "no-picture soft", textContent: "This browser cannot show the picture.",
    }));
    if (canvas && overlay) stage.append(overlay);
    const caption = make("figcaption", {}, make("span", { className: "small soft", textContent: name }));
    if (canvas && overlay) caption.append(zoomOf(stage));
    canvas?.setAttribute("role", "img");
    canvas?.setAttribute("aria-label", name);
    return make("figure", { className: "photo" }, make("div", { className: "window" }, stage), caption);
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

/** A line's text, what is unsure in it marked. */
function lineOf(line) {
  const parts = line.digits.map((digit) => {
    const title = percent(digit.confidence);
    if (digit.status === "read") return make("span", { textContent: digit.label, title });
    return make("mark", { textContent: "?", title: `perhaps ${digit.label}, ${title}` });
  });
  return make("li", {}, make("span", {}, ...parts));
}

function eachDigit(page) {
  const row = (cell, texts) => make("tr", {}, ...texts.map((textContent) => make(cell, { textContent })));
  const rows = page.lines.flatMap((line, i) => line.digits.map((digit, k) => {
    return row("td", [i + 1, k + 1, digit.label, percent(digit.confidence), STATUS[digit.status]]);
  }));
  const head = make("thead", {}, row("th", ["Line", "Digit", "Label", "Confidence", "Status"]));
  const table = make("table", {}, head, make("tbody", {}, ...rows));
  return make("details", {}, make("summary", { textContent: "Each digit" }), make("div", { className: "wide" }, table));
}
