// The table of photos: a row each, brought up to date when something is read.

import { make } from "./dom.js";
import { percent, STATUS } from "./words.js";

/** Rows in a table's body; `choose` and `remove` are called with the photo. */
export class Rows {
  #body;
  #rows = new Map();
  #choose;
  #remove;

  constructor(body, choose, remove) {
    this.#body = body;
    this.#choose = choose;
    this.#remove = remove;
  }

  add(photo) {
    const name = make("button", { type: "button", className: "name", textContent: photo.name, title: photo.name });
    name.addEventListener("click", () => this.#choose(photo));
    const remove = make("button", { type: "button", className: "remove", textContent: "×" });
    remove.setAttribute("aria-label", `Remove ${photo.name}`);
    remove.addEventListener("click", () => this.#remove(photo));
    const cells = {
      image: make("td", { className: "image" }),
      name: make("th", { scope: "row" }, name),
      text: make("td", { className: "text" }),
      confidence: make("td", { className: "extra" }),
      status: make("td", {}, make("span", { className: "status" })),
      remove: make("td", {}, remove),
    };
    const row = make("tr", {}, ...Object.values(cells));
    this.#rows.set(photo, { row, cells, name });
    this.#body.append(row);
    this.update(photo);
  }

  update(photo) {
    const found = this.#rows.get(photo);
    if (!found) return; // removed while it was read
    const { row, cells } = found;
    row.dataset.status = photo.status;
    if (photo.thumbnail && !cells.image.hasChildNodes()) cells.image.append(photo.thumbnail);
    cells.text.textContent = photo.text.replaceAll("\n", " · ");
    cells.confidence.textContent = photo.confidence === null ? "" : percent(photo.confidence);
    cells.status.firstChild.textContent = STATUS[photo.status];
    cells.status.title = photo.words ?? "";
  }

  mark(chosen) {
    for (const [photo, { row, name }] of this.#rows) {
      row.classList.toggle("chosen", photo === chosen);
      name.setAttribute("aria-pressed", String(photo === chosen));
    }
  }

  /** Take a photo's row away, and go on at its neighbour with the keyboard. */
  remove(photo) {
    const { row } = this.#rows.get(photo);
    const next = row.nextElementSibling ?? row.previousElementSibling;
    const focused = row.contains(document.activeElement);
    row.remove();
    this.#rows.delete(photo);
    if (focused) (next?.querySelector(".remove") ?? document.getElementById("choose")).focus();
  }
}
