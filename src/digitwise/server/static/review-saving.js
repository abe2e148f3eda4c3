// Decisions on their way to the file, one after another, so that the file has them in the order they were made.

import { ask } from "./api.js";

export class Saving {
  version = null; // of the file, as it was answered last
  waiting = 0;
  overtaken = false; // whether another program has written to the file
  #last = Promise.resolve();

  /** Write a decision; `failed` is called with the reason where it could not be written, `rested` when none waits. */
  send(sha256, decision, { failed, rested }) {
    this.waiting += 1;
    this.#last = this.#last.then(async () => {
      try {
        const body = () => JSON.stringify({ decision });
        const { before, version } = await ask(`v1/review/${sha256}`, { method: "PUT", body });
        this.overtaken ||= before !== this.version;
        this.version = version;
      } catch (error) {
        failed(error);
      }
      this.waiting -= 1;
      if (!this.waiting) rested();
    });
  }
}
