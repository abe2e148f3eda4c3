// One photo, and what was read from it.

import { read, Refused } from "./api.js";
import { textOf } from "./numbers.js";
import { opened, thumbnail } from "./images.js";
import { pageSentence, sentence } from "./words.js";

const ENVELOPE = 4096; // bytes of a request around its file
const MODES = { automatic: "auto", single: "single", numbers: "numbers" }; // by the switch

/** A file with its state: waiting, reading, read, unsure, blank, error or cancelled. */
export class Photo {
  status = "waiting";
  wish = null; // what it was read as, by the switch
  answer = null;
  error = null;
  began = 0; // when reading did, in milliseconds
  thumbnail = null;
  #limit;
  #control = new AbortController();

  /** `limit` is what the server takes, in bytes. */
  constructor(file, limit) {
    this.file = file;
    this.#limit = limit;
    this.name = file.webkitRelativePath || file.name || "pasted.png";
  }

  /** Whether it was read as the switch says now. */
  fits(wish) {
    return this.wish === wish || this.kind === wish;
  }

  get done() {
    return this.status !== "waiting" && this.status !== "reading";
  }

  /** What it turned out to be, single or numbers; null before. */
  get kind() {
    return this.answer?.kind ?? null;
  }

  /** The reading of one digit. */
  get reading() {
    return this.kind === "single" ? this.answer : null;
  }

  /** The page of numbers. */
  get page() {
    return this.kind === "numbers" && !this.error ? this.answer : null;
  }

  /** Let it wait to be read, once more. */
  wait() {
    this.status = "waiting";
    this.#control = new AbortController();
  }

  /** Give it up, also while it is read. */
  cancel() {
    if (this.done) return;
    this.status = "cancelled";
    this.#control.abort();
  }

  /** Read it; what goes wrong with this one photo is its error. */
  async read(wish) {
    Object.assign(this, { status: "reading", wish, answer: null, error: null, began: performance.now() });
    const { signal } = this.#control;
    try {
      await this.#check();
      if (!this.thumbnail) await this.#look();
      const answer = await read(() => this.file, { mode: MODES[wish], name: this.name, signal });
      signal.throwIfAborted();
      Object.assign(this, { answer, status: answer.status, error: answer.error });
    } catch (error) {
      if (signal.aborted) return; // and perhaps it waits to be read again already
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
    this.thumbnail = thumbnail(bitmap);
    bitmap.close();
  }

  /** The label, or the lines of numbers. */
  get text() {
    return this.page ? textOf(this.page) : this.answer?.label ?? "";
  }

  /** Of a page that of its least sure number. */
  get confidence() {
    return this.answer?.confidence ?? null;
  }

  get words() {
    if (!this.done) return "";
    if (this.status === "cancelled") return "It was not read.";
    if (this.status === "error") return sentence(this);
    return this.page ? pageSentence(this.page) : sentence(this.reading);
  }
}
