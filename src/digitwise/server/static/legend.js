// What the boxes on a photo mean: those that are there.

import { make } from "./dom.js";
import { some } from "./words.js";

const KINDS = { "digit?": "possible digit", mark: "mark or word", rule: "line or frame", border: "mark at the edge" };
const SEVERAL = { mark: "marks or words", rule: "lines or frames", border: "marks at the edge" };

const count = (number, kind) => (number > 1 && SEVERAL[kind] ? `${number} ${SEVERAL[kind]}` : some(number, KINDS[kind]));

/** A list about a page; null where it has no boxes. */
export function legendOf(page) {
  const has = (status) => page.numbers.some((number) => number.status === status);
  const kinds = Object.keys(KINDS).map((kind) => [page.others.filter((other) => other.kind === kind).length, kind]);
  const others = kinds.filter(([number]) => number).map(([number, kind]) => count(number, kind));
  const entries = [
    has("read") && ["read", "Number, read"],
    has("unsure") && ["unsure", "Number, unsure"],
    has("unsure") && ["doubt", "Its unsure digits"],
    others.length && ["other", `Not read: ${others.join(", ")}`],
  ].filter(Boolean);
  if (!entries.length) return null;
  const rows = entries.map(([kind, words]) => make("li", { className: kind }, words));
  return make("ul", { className: "legend small" }, ...rows);
}
