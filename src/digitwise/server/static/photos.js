// All photos: what comes in is read, listed, shown and told.

import { link } from "./api.js";
import { csvOf, download } from "./csv.js";
import { byId } from "./dom.js";
import { Photo } from "./photo.js";
import { Queue } from "./queue.js";
import { Rows } from "./rows.js";
import { say } from "./say.js";
import { Viewer } from "./viewer.js";
import { some, STATUS } from "./words.js";

const FEW = 3; // requests at a time
const KINDS = {
  automatic:
    "Small pictures (at most 300 pixels a side, at most 1.5 times as wide as high) as one digit, " +
    "others as lines of numbers.",
  single: "Each photo as one digit.",
  numbers: "Each photo as lines of numbers.",
};

const wish = () => document.querySelector("[name=kind]:checked").value;

/** The photos of a page about a model of these classes. */
export class Photos {
  #all = [];
  #chosen = null;
  #limit;
  #queue = new Queue((photo) => this.#read(photo), FEW);
  #rows = new Rows(byId("rows"), (photo) => this.#choose(photo), (photo) => this.#remove(photo));
  #viewer;

  constructor(classes, { collect, limits }) {
    this.#limit = limits?.bytes ?? Infinity;
    this.#viewer = new Viewer(byId("viewer"), classes, { collects: collect });
    for (const input of document.querySelectorAll("[name=kind]")) {
      input.addEventListener("change", () => this.#reread());
    }
    byId("csv").addEventListener("click", () => download(csvOf(this.#all), "readings.csv"));
    byId("remove-all").addEventListener("click", () => this.#removeAll());
    link.addEventListener("open", () => this.#queue.resume());
    byId("kind-words").textContent = KINDS[wish()];
  }

  add(files) {
    const photos = [...files].map((file) => new Photo(file, this.#limit));
    if (!photos.length) return;
    this.#all.push(...photos);
    for (const photo of photos) {
      this.#rows.add(photo);
      this.#queue.add(photo);
    }
    this.#count();
    this.#choose(photos[0]);
    byId("found").scrollIntoView({ block: "nearest" });
  }

  async #read(photo) {
    try {
      const reading = photo.read(wish());
      this.#told(photo);
      await reading;
    } finally {
      this.#told(photo);
    }
    const turned = photo.kind !== photo.kindBy(wish()) && photo.status !== "error"; // the switch was, meanwhile
    if (turned && this.#all.includes(photo)) this.#queue.add(photo);
  }

  #told(photo) {
    this.#rows.update(photo);
    this.#count();
    if (photo === this.#chosen) this.#viewer.show(photo);
  }

  /** The switch was turned: read again what it concerns. */
  #reread() {
    byId("kind-words").textContent = KINDS[wish()];
    for (const photo of this.#all) {
      if (!photo.done || photo.kind === photo.kindBy(wish())) continue;
      photo.status = "waiting";
      this.#queue.add(photo);
    }
    this.#count();
  }

  #choose(photo) {
    this.#chosen = photo;
    this.#rows.mark(photo);
    if (photo) this.#viewer.show(photo);
  }

  #remove(photo) {
    const place = this.#all.indexOf(photo);
    this.#all.splice(place, 1);
    this.#queue.remove(photo);
    this.#rows.remove(photo);
    this.#count();
    if (photo === this.#chosen) this.#choose(this.#all[place] ?? this.#all.at(-1) ?? null);
  }

  #removeAll() {
    this.#chosen = null; // so that none is shown on the way
    for (const photo of this.#all.toReversed()) this.#remove(photo);
    byId("choose").focus();
  }

  #count() {
    const count = (status) => this.#all.filter((photo) => photo.status === status).length;
    const done = this.#all.filter((photo) => photo.done).length;
    const kinds = ["read", "unsure", "blank", "error"].map((status) => [count(status), STATUS[status].toLowerCase()]);
    const parts = kinds.filter(([number]) => number).map(([number, word]) => `${number} ${word}`);
    const finished = done === this.#all.length;
    const head = finished ? some(done, "photo") : `${done} of ${some(this.#all.length, "photo")}`;
    byId("found").hidden = !this.#all.length;
    byId("found").classList.toggle("alone", this.#all.length === 1);
    byId("tally").textContent = [head, ...parts].join(" · ");
    Object.assign(byId("progress"), { max: this.#all.length || 1, value: done, hidden: finished });
    byId("csv").disabled = !done;
    if (finished && done) say(`${head}: ${parts.join(", ")}. ${done === 1 ? this.#all[0].words : ""}`);
  }
}
