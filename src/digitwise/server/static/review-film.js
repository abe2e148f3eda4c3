// The row of small images: where one is, and what was decided around.

import { make } from "./dom.js";

const AROUND = 30; // images to each side
const tiles = new Map();

/** A decision in a few characters. */
export function brief(row) {
  if (!row.decision) return row.given;
  if (row.decision === "drop") return "dropped";
  return row.decision === "keep" || row.decision === row.given ? `${row.given} ✓` : `${row.given} → ${row.decision}`;
}

function tileOf(row, choose) {
  if (!tiles.has(row.sha256)) {
    const image = make("img", { src: `v1/review/images/${row.sha256}.png`, alt: "" });
    const button = make("button", { type: "button", tabIndex: -1 }, image, make("span"));
    button.addEventListener("click", () => choose(row.sha256));
    tiles.set(row.sha256, make("li", {}, button));
  }
  return tiles.get(row.sha256);
}

/** Show the images around the one looked at. */
export function showFilm(strip, rows, at, choose) {
  const place = Math.max(0, rows.findIndex((row) => row.sha256 === at));
  const near = rows.slice(Math.max(0, place - AROUND), place + AROUND + 1);
  const items = near.map((row) => {
    const item = tileOf(row, choose);
    const [button] = item.children;
    button.querySelector("span").textContent = brief(row);
    button.classList.toggle("done", Boolean(row.decision));
    button.setAttribute("aria-label", `Image ${rows.indexOf(row) + 1}: ${brief(row)}`);
    button.setAttribute("aria-current", String(row.sha256 === at));
    return item;
  });
  if (items.some((item, i) => item !== strip.children[i]) || items.length !== strip.children.length) {
    strip.replaceChildren(...items);
  }
  const middle = tiles.get(at);
  if (middle) strip.scrollLeft = middle.offsetLeft - strip.offsetLeft - (strip.clientWidth - middle.clientWidth) / 2;
}
