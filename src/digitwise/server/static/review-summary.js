// What the decisions come to, and what to do with them.

import { byId, make } from "./dom.js";
import { some } from "./words.js";

const PAIRS = 6; // of given and corrected label that are listed

/** What was decided, by kind. */
export function tally(rows) {
  const changed = rows.filter((row) => !["", "keep", "drop", row.given].includes(row.decision));
  const pairs = new Map();
  for (const row of changed) {
    const pair = `${row.given} → ${row.decision}`;
    pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
  }
  return {
    changed: changed.length,
    kept: rows.filter((row) => row.decision && ["keep", row.given].includes(row.decision)).length,
    dropped: rows.filter((row) => row.decision === "drop").length,
    open: rows.filter((row) => !row.decision).length,
    test: rows.filter((row) => row.decision && row.split === "test").length,
    pairs: [...pairs].sort((a, b) => b[1] - a[1]),
  };
}

export function showSummary(rows, { path, commands }) {
  const found = tally(rows);
  byId("summary-title").textContent = found.open ? "So far" : "All are decided";
  for (const kind of ["changed", "kept", "dropped", "open"]) {
    byId(`sum-${kind}`).textContent = found[kind].toLocaleString("en");
  }
  const listed = found.pairs.slice(0, PAIRS).map(([pair, count]) => `${pair}: ${count}`);
  byId("sum-pairs").textContent = listed.join(", ") + (found.pairs.length > PAIRS ? ", …" : "");
  byId("sum-test").hidden = !found.test;
  byId("sum-test").textContent =
    `${some(found.test, "decision")} about test images: their labels stay as given, and an evaluation tells its ` +
    "errors as given, as corrected, and without the dropped.";
  byId("sum-file").textContent = `--patch ${path}`;
  byId("commands").replaceChildren(...commands.map(commandOf));
}

function commandOf(command) {
  const copy = make("button", { type: "button", className: "button plain", textContent: "Copy" });
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(command);
    copy.textContent = "Copied";
  });
  copy.hidden = !navigator.clipboard; // only where the address is trusted
  return make("li", {}, make("code", { textContent: command }), copy);
}
