// The answer about one digit: large, in words, as bars, and beside it what the model saw.

import { Bars } from "./bars.js";
import { Chooser } from "./chooser.js";
import { make } from "./dom.js";
import { sentence, STATUS } from "./words.js";

/** Fills an element with readings. */
export class Result {
  #node;
  #digit = make("p", { className: "digit" });
  #status = make("p", { className: "status" });
  #words = make("p", { className: "words soft" });
  #saw = make("img", { width: 112, height: 112 });
  #bars;
  #chooser = null;

  constructor(node, classes, { collects }) {
    this.#node = node;
    this.#digit.setAttribute("aria-hidden", "true"); // the words say it
    this.#bars = new Bars(classes);
    const caption = make("figcaption", { className: "small soft", textContent: "What the model saw" });
    const said = make("div", { className: "said" }, this.#status, this.#words);
    const saw = make("figure", { className: "saw" }, make("div", {}, this.#saw), caption);
    node.replaceChildren(make("div", { className: "answer" }, this.#digit, said, saw), this.#bars.node);
    if (collects) {
      this.#chooser = new Chooser(classes);
      node.append(this.#chooser.node);
    }
  }

  /** The image that is stored where its reading is wrong, as a function that gives it. */
  offer(image) {
    this.#chooser?.offer(image);
  }

  /** Show a reading. */
  show(reading) {
    const { status, label, probabilities, input } = reading;
    this.#node.dataset.status = status;
    this.#digit.textContent = label ?? "–";
    this.#status.textContent = STATUS[status];
    this.#words.textContent = sentence(reading);
    this.#saw.hidden = !input; // black then
    this.#saw.closest("figure").hidden = Boolean(label) && !input; // it saw a part of the image
    if (input) this.#saw.src = `data:image/png;base64,${input}`;
    this.#saw.alt = label ? `The ${label} as 28 by 28 pixels` : "28 by 28 pixels without ink";
    this.#bars.show(status === "read" || status === "unsure" ? probabilities : null, label);
    if (this.#chooser) this.#chooser.node.hidden = !label;
  }
}
