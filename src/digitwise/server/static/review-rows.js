// The images under review: which are shown, which is looked at, what was decided.

const SHOWN = { open: (row) => !row.decision, decided: (row) => row.decision, all: () => true };

export class Rows {
  all = [];
  view = "open";
  at = null; // the sha256 of the image looked at

  /** Take rows as the file has them now; the image looked at stays, where it is still there. */
  take(rows) {
    this.all = rows;
    if (!this.get(this.at)) this.at = this.shown[0]?.sha256 ?? null;
  }

  get(sha256) {
    return this.all.find((row) => row.sha256 === sha256);
  }

  get current() {
    return this.view === "summary" ? undefined : this.shown.find((row) => row.sha256 === this.at);
  }

  get shown() {
    return this.all.filter(SHOWN[this.view] ?? SHOWN.all);
  }

  count(view) {
    return this.all.filter(SHOWN[view]).length;
  }

  /** Show another part; the image looked at stays where it belongs to it. */
  choose(view) {
    this.view = view;
    if (view !== "summary" && !this.current) this.at = this.shown[0]?.sha256 ?? null;
  }

  /** Look at the image so many places further on. */
  step(by) {
    const shown = this.shown;
    const place = shown.findIndex((row) => row.sha256 === this.at) + by;
    if (place >= 0 && place < shown.length) this.at = shown[place].sha256;
  }

  /** Look at one image, wherever it belongs. */
  lookAt(row) {
    this.at = row.sha256;
    if (!this.current) this.view = row.decision ? "all" : "open";
  }

  /** Decide about the image looked at, and go on to the next one that is shown, from the end to the first. */
  decide(decision) {
    const shown = this.shown;
    const place = shown.indexOf(this.current);
    this.current.decision = decision;
    const next = shown[place + 1] ?? (this.view === "open" ? shown[0] : shown[place]);
    this.at = next.sha256;
    if (this.view === "open" && !this.current) this.at = null;
  }
}
