// Work on many things, a few at a time; it stands still while the server cannot be asked.

import { Unreached } from "./api.js";

/** Calls an asynchronous `work` with each thing, in order, `few` at once. */
export class Queue {
  #waiting = [];
  #running = 0;
  #paused = false;
  #work;
  #few;

  constructor(work, few) {
    this.#work = work;
    this.#few = few;
  }

  add(thing) {
    if (!this.#waiting.includes(thing)) this.#waiting.push(thing);
    this.#next();
  }

  remove(thing) {
    this.#waiting = this.#waiting.filter((each) => each !== thing);
  }

  resume() {
    this.#paused = false;
    while (this.#free) this.#next();
  }

  get #free() {
    return !this.#paused && this.#running < this.#few && this.#waiting.length > 0;
  }

  async #next() {
    if (!this.#free) return;
    this.#running += 1;
    const thing = this.#waiting.shift();
    try {
      await this.#work(thing);
    } catch (error) {
      if (!(error instanceof Unreached)) throw error;
      this.#waiting.unshift(thing);
      this.#paused = true;
    } finally {
      this.#running -= 1;
      this.#next();
    }
  }
}
