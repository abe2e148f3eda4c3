// One image, what is said of it, and a button for each label.

import { byId, make } from "./dom.js";
import { percent } from "./words.js";

const WORD = 2; // characters, beyond which a label is a word

/** Make the buttons of the labels, each with its key where that is not the label itself. */
export function showLabels(names, keys) {
  const words = names.some((name) => name.length > WORD);
  document.querySelector(".facts").classList.toggle("words", words);
  byId("labels").className = words ? "words" : names.length > 10 ? "many" : "";
  byId("labels").replaceChildren(...names.map((name, place) => buttonOf(name, keys[place])));
}

function buttonOf(name, key) {
  const button = make("button", { type: "button", className: "button" }, name);
  button.dataset.decision = name;
  if (key) button.setAttribute("aria-keyshortcuts", key);
  if (key && key !== name) button.append(" ", make("kbd", { textContent: key }));
  return button;
}

/** Show the image of a row, one of those in `shown`. */
export function showDesk(row, shown) {
  const place = shown.indexOf(row);
  showImage(row, `${(place + 1).toLocaleString("en")} of ${shown.length.toLocaleString("en")}`);
  showFacts(row);
  for (const button of document.querySelectorAll("[data-decision]")) {
    const { decision } = button.dataset;
    button.classList.toggle("given", decision === row.given);
    button.classList.toggle("suggested", decision === row.suggested);
    button.setAttribute("aria-pressed", String(decision === row.decision));
  }
  byId("previous").disabled = place === 0;
  byId("next").disabled = place === shown.length - 1;
}

function showImage(row, caption) {
  const address = `v1/review/images/${row.sha256}.png`;
  if (byId("image").getAttribute("src") !== address) byId("image").src = address;
  byId("image").alt = `Image with the label ${row.given}`;
  byId("caption").textContent = caption + (row.index ? ` · index ${row.index}` : "");
  byId("file").textContent = row.file ?? "";
  byId("file").title = row.file ?? "";
  byId("file").hidden = !row.file;
}

function showFacts(row) {
  const chosen = row.decision === "keep" ? "✓" : row.decision === "drop" ? "×" : row.decision;
  for (const [id, text] of [["given", row.given], ["suggested", row.suggested], ["chosen", chosen]]) {
    byId(id).textContent = text ?? "";
    byId(id).parentNode.hidden = !text;
  }
  byId("why").textContent = whyOf(row);
  const more = Object.entries(row.more);
  byId("more").hidden = !more.length;
  byId("more").replaceChildren(
    ...more.flatMap(([name, cell]) => [make("dt", { textContent: name }), make("dd", { textContent: cell })]),
  );
}

function whyOf({ suggested, confidence, split }) {
  const why = [];
  if (suggested && confidence !== null) {
    why.push(`Networks that have not seen the image take it for ${suggested}, ${percent(confidence)} sure.`);
  }
  if (split === "test") why.push("A test image: its label stays as given, evaluations tell its errors both ways.");
  return why.join(" ");
}
