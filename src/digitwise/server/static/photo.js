// One photo, and what was read from it.

import { read, readNumbers, Refused } from "./api.js";
import { opened, thumbnail } from "./pictures.js";
import { pageSentence, pageStatus, sentence } from "./words.js";

const ENVELOPE = 4096; // bytes of a request around its file
const SMALL = 300; // pixels: a picture no larger, and
const SQUARISH = 1.5; // not so many times wider than high, is taken for one digit, as by digitwise read

/** A file with its state: waiting, reading, read, unsure, blank or error. */
export class Photo {
  status = "waiting";
  kind = null; // single or numbers, once it is read
  reading = null;
  page = null;
  error = null;
  thumbnail = null;
  #size = null;
  #limit;

  /** `limit` is what the server takes, in bytes. */
  constructor(file, limit) {
    this.file = file;
    this.#limit = limit;
    this.name = file.webkitRelativePath || file.name || "pasted.png";
  }

  /** What it is to be read as by the switch. */
  kindBy(wish) {
    if (wish !== "automatic") return wish;
    if (!this.#size) return "numbers";
    const { width, height } = this.#size;
    return Math.max(width, height) <= SMALL && width <= SQUARISH * height ? "single" : "numbers";
  }

  get done() {
    return this.status !== "waiting" && this.status !== "reading";
  }

  /** Read it; what goes wrong with this one photo is its error. */
  async read(wish) {
    this.status = "reading";
    try {
      await this.#check();
      if (!this.thumbnail) await this.#look();
      await this.#readAs(this.kindBy(wish));
      // Where only the server can open it, its size is known now.
      if (this.kind !== this.kindBy(wish)) await this.#readAs(this.kindBy(wish));
    } catch (error) {
      this.status = "waiting";
      if (!(error instanceof Refused)) throw error;
      Object.assign(this, { status: "error", error: error.message });
    }
  }

  /** What cannot be sent would look as if the server were gone. */
  async #check() {
    if (this.file.size > this.#limit - ENVELOPE) {
      throw new Refused(`Larger than the ${Math.floor(this.#limit / 2 ** 20)} MB that this server takes.`);
    }
    try {
      await this.file.slice(0, 1).arrayBuffer();
    } catch {
      throw new Refused("This file cannot be read any more: choose it again.");
    }
  }

  async #look() {
    const bitmap = await opened(this.file);
    if (!bitmap) return;
    this.#size = { width: bitmap.width, height: bitmap.height };
    this.thumbnail = thumbnail(bitmap);
    bitmap.close();
  }

  async #readAs(kind) {
    this.kind = kind;
    this.reading = this.page = this.error = null;
    if (kind === "single") {
      this.reading = await read(() => this.file, this.name);
      ({ status: this.status, error: this.error } = this.reading);
    } else {
      this.page = await readNumbers(this.file);
      this.error = this.page.error;
      this.status = this.error ? "error" : pageStatus(this.page);
      if (!this.error) this.#size = { width: this.page.width, height: this.page.height };
    }
  }

  /** The label, or the lines of numbers. */
  get text() {
    if (this.kind === "numbers") return this.page?.text ?? "";
    return this.reading?.label ?? "";
  }

  /** Of a page that of its least sure digit. */
  get confidence() {
    if (this.kind !== "numbers") return this.reading?.confidence ?? null;
    const shares = this.page?.lines.flatMap((line) => line.digits.map((digit) => digit.confidence)) ?? [];
    return shares.length ? Math.min(...shares) : null;
  }

  get words() {
    if (!this.done) return "";
    if (this.status === "error") return sentence(this);
    return this.kind === "numbers" ? pageSentence(this.page) : sentence(this.reading);
  }
}
