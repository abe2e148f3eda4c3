// What a screen reader is told, once things have come to rest.

import { byId } from "./dom.js";

const REST = 600; // milliseconds: a drawing is read many times until then
let timer = 0;

export function say(words) {
  clearTimeout(timer);
  timer = setTimeout(() => (byId("said").textContent = words), REST);
}
