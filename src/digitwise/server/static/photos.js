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
  automatic: "Each photo as what it turns out to be: one digit, or numbers.",
  single: "Each photo as one digit.",
  numbers: "Each photo as numbers, also where there is one digit only.",
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
    const [cancel, again] = [(photo) => this.#cancel([photo]), (photo) => this.#again(photo)];
    this.#viewer = new Viewer(byId("viewer"), classes, { collects: collect, cancel, again });
    for (const input of document.querySelectorAll("[name=kind]")) {
      input.addEventListener("change", () => this.#reread());
    }
    byId("csv").addEventListener("click", () => download(csvOf(this.#all), "readings.csv"));
    byId("cancel").addEventListener("click", () => this.#cancel(this.#all));
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
    const fine = ["read", "unsure", "blank"].includes(photo.status);
    if (fine && !photo.fits(wish()) && this.#all.includes(photo)) this.#again(photo); // the switch was turned meanwhile
  }

  /** Read it, after those that wait. */
  #again(photo) {
    photo.wait();
    this.#queue.add(photo);
    this.#told(photo);
  }

  /** Give up those that wait or are read. */
  #cancel(photos) {
    for (const photo of photos.filter((each) => !each.done)) {
      this.#queue.remove(photo);
      photo.cancel();
      this.#told(photo);
    }
    byId("choose").focus({ preventScroll: true }); // the button that was pressed is gone
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
      if (photo.done && photo.status !== "cancelled" && !photo.fits(wish())) this.#again(photo);
    }
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
    photo.cancel();
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
    const kinds = ["read", "unsure", "blank", "error", "cancelled"].map((status) => [count(status), STATUS[status].toLowerCase()]);
    const parts = kinds.filter(([number]) => number).map(([number, word]) => `${number} ${word}`);
    const finished = done === this.#all.length;
    const head = finished ? some(done, "photo") : `${done} of ${some(this.#all.length, "photo")}`;
    byId("found").hidden = !this.#all.length;
    byId("found").classList.toggle("alone", this.#all.length === 1);
    byId("tally").textContent = [head, ...parts].join(" · ");
    Object.assign(byId("progress"), { max: this.#all.length || 1, value: done, hidden: finished });
    byId("csv").disabled = !done;
    byId("cancel").hidden = this.#all.length - done < 2; // one alone has a button of its own
    if (finished && done) say(`${head}: ${parts.join(", ")}. ${done === 1 ? this.#all[0].words : ""}`);
  }
}
