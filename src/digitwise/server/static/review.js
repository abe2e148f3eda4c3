// Deciding about doubtful labels, image by image.

import { ask } from "./api.js";
import { byId } from "./dom.js";
import { showDesk, showLabels } from "./review-desk.js";
import { brief, showFilm } from "./review-film.js";
import { keysFor, meaningOf } from "./review-keys.js";
import { Rows } from "./review-rows.js";
import { Saving } from "./review-saving.js";
import { showSummary } from "./review-summary.js";

const rows = new Rows();
const saving = new Saving();
let file = { path: "", data: "", class_names: [], commands: [] };
let keys = [];
let keysOn = true;
let history = []; // decisions made in this tab, the last one last

const count = (number) => number.toLocaleString("en");

// ---- what is shown

function show() {
  const { current, shown } = rows;
  const [decided, images] = [rows.count("decided"), rows.all.length];
  byId("decided").textContent = count(decided);
  byId("images").textContent = count(images);
  Object.assign(byId("progress"), { max: images, value: decided });
  for (const view of ["open", "decided", "all"]) byId(`count-${view}`).textContent = count(rows.count(view));
  for (const button of document.querySelectorAll("[data-view]")) {
    button.setAttribute("aria-pressed", String(button.dataset.view === rows.view));
  }
  for (const id of ["undo", "undo-last"]) byId(id).disabled = !history.length;
  byId("desk").hidden = byId("film").hidden = !current;
  byId("summary").hidden = rows.view !== "summary";
  byId("none").hidden = Boolean(current) || rows.view === "summary";
  if (current) {
    showDesk(current, shown);
    showFilm(byId("strip"), shown, current.sha256, lookAt);
  } else if (rows.view === "summary") showSummary(rows.all, file);
  document.title = `${count(decided)} of ${count(images)} decided · digitwise review`;
}

function say(before = "") {
  const { current, shown } = rows;
  const now = current
    ? `Image ${shown.indexOf(current) + 1} of ${shown.length}, given ${current.given}` +
      (current.suggested ? `, suggested ${current.suggested}` : "")
    : "";
  byId("said").textContent = [before, now].filter(Boolean).join(". ");
}

function tell(id, words) {
  byId(id).textContent = words;
  byId(id).hidden = !words;
}

// ---- what is done

function view(name) {
  rows.choose(name);
  show();
  if (name === "summary") byId("summary-title").focus();
  else if (!rows.current) showNone();
  else say();
}

function showNone() {
  const open = rows.view === "open";
  byId("none-title").textContent = open ? "Nothing is open" : "Nothing is decided yet";
  byId("none-words").textContent = open ? "All images are decided; see the summary." : "Decisions appear here.";
  say(byId("none-title").textContent);
}

function lookAt(sha256) {
  rows.at = sha256;
  show();
  say();
}

function decide(decision) {
  const row = rows.current;
  if (!row) return;
  const was = row.decision;
  const words = decision === "keep" ? "kept" : decision === "drop" ? "dropped" : decision;
  rows.decide(decision);
  if (decision !== was) {
    keep([...history, { sha256: row.sha256, was, now: decision }]);
    save(row.sha256, decision, was);
  }
  tell("news", "");
  if (rows.view === "open" && !rows.current) {
    view("summary");
    say(`${words}. All decided`);
    return;
  }
  show();
  say(words);
}

function undo() {
  const last = history.at(-1);
  if (!last) {
    say("Nothing to undo");
    return;
  }
  keep(history.slice(0, -1));
  const row = rows.get(last.sha256);
  if (row?.decision !== last.now) {
    tell("news", "The last decision was changed elsewhere meanwhile, and is left as it is.");
    show();
    return;
  }
  row.decision = last.was;
  save(row.sha256, last.was, last.now);
  rows.lookAt(row);
  show();
  say("Undone");
}

function keep(decisions) {
  history = decisions;
  sessionStorage.setItem(`review ${file.path}`, JSON.stringify(history));
}

// ---- the file

function save(sha256, decision, was) {
  const what = decision ? brief(rows.get(sha256)) : "undone";
  byId("saving").textContent = `${what} · saving …`;
  tell("trouble", "");
  saving.send(sha256, decision, {
    failed: (error) => {
      const row = rows.get(sha256);
      if (row?.decision === decision) row.decision = was;
      keep(history.filter((each) => each.sha256 !== sha256));
      if (row) rows.lookAt(row);
      tell("trouble", `Not saved: ${error.message}`);
      show();
    },
    rested: () => {
      byId("saving").textContent = byId("trouble").hidden ? `${what} · saved` : "";
      if (saving.overtaken) load();
    },
  });
}

async function load() {
  if (saving.waiting) return;
  let found;
  try {
    found = await ask("v1/review");
  } catch (error) {
    tell("trouble", error.message);
    return;
  }
  if (saving.waiting) return; // decided meanwhile; that answer tells what has changed
  tell("trouble", "");
  const [first, changed] = [saving.version === null, found.version !== saving.version || saving.overtaken];
  Object.assign(saving, { version: found.version, overtaken: false });
  if (!changed) return;
  file = found;
  if (first) begin();
  else tell("news", `${file.path} was changed by another program; what you see is how it is now.`);
  rows.take(found.rows);
  if (rows.view === "open" && !rows.count("open")) rows.choose("summary");
  show();
  say();
}

function begin() {
  byId("source").textContent = `${file.path} · ${file.data}`;
  byId("overview").hidden = false;
  history = JSON.parse(sessionStorage.getItem(`review ${file.path}`) ?? "[]");
  keys = keysFor(file.class_names);
  showLabels(file.class_names, keys);
}

// ---- who asks

const DONE = { undo, previous: () => move(-1), next: () => move(1), keep: () => decide("keep"), drop: () => decide("drop") };

function move(by) {
  rows.step(by);
  show();
  say();
}

document.addEventListener("keydown", (event) => {
  if (!keysOn) return;
  const meaning = meaningOf(event, file.class_names, keys);
  if (!meaning) return;
  event.preventDefault();
  const moves = meaning === "previous" || meaning === "next";
  if (event.repeat && !moves) return; // a key held down decides once
  if (moves && !rows.current) return;
  meaning.label === undefined ? DONE[meaning]() : decide(meaning.label);
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.decision) decide(button.dataset.decision);
  else if (button?.dataset.view) view(button.dataset.view);
});
for (const id of ["undo", "undo-last"]) byId(id).addEventListener("click", undo);
for (const [id, by] of [["previous", -1], ["next", 1]]) byId(id).addEventListener("click", () => move(by));
byId("keys").addEventListener("click", () => {
  keysOn = !keysOn;
  byId("keys").setAttribute("aria-pressed", String(keysOn));
  byId("keys").textContent = keysOn ? "Keys are on" : "Keys are off";
});
document.addEventListener("visibilitychange", () => document.hidden || load());
window.addEventListener("focus", load);
window.addEventListener("beforeunload", (event) => saving.waiting && event.preventDefault());
load();
