// Wrong? Choose the right label: it is stored with the image. Choosing again is the undo.

import { collect } from "./api.js";
import { make } from "./dom.js";

/** Buttons for the classes, hidden at first. */
export class Chooser {
  #image = null;
  #buttons;
  #last = Promise.resolve();
  #outcome = make("p", { className: "small" });

  constructor(classes) {
    this.#outcome.setAttribute("role", "status");
    this.#buttons = classes.map((label) => {
      const button = make("button", { type: "button", className: "button", textContent: label });
      button.addEventListener("click", () => this.#choose(label));
      return button;
    });
    this.node = make(
      "fieldset",
      { className: "chooser" },
      make("legend", { textContent: "Wrong? Choose what it is" }),
      make("div", { className: "labels" }, ...this.#buttons),
      this.#outcome,
    );
    this.node.hidden = true;
    this.offer(null);
  }

  /** Offer the choice for another image: a function that gives it, or a promise of it. */
  offer(image) {
    this.#image = image;
    this.#press(null);
    this.#tell("A choice stores this image and its label in the folder that this server collects, for training.");
  }

  async #choose(label) {
    const image = this.#image;
    const stored = this.#last.then(async () => collect(await image(), label)); // the last choice counts
    this.#last = stored.catch(() => {});
    try {
      const path = await stored;
      if (image !== this.#image) return;
      this.#press(label);
      this.#tell(`Stored as ${label}, in ${path}. Choose again to change it.`, true);
    } catch (error) {
      if (image === this.#image) this.#tell(`Not stored: ${error.message}`);
    }
  }

  #press(label) {
    for (const button of this.#buttons) button.setAttribute("aria-pressed", String(button.textContent === label));
  }

  #tell(words, stored = false) {
    if (this.#outcome.textContent === words) return; // not to be said again
    this.#outcome.textContent = words;
    this.#outcome.classList.toggle("soft", !stored);
  }
}
