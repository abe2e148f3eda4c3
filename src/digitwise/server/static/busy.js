// A photo in work: for how long already, and a way out.

import { make } from "./dom.js";
import { STATUS } from "./words.js";

const TICK = 250; // milliseconds

/** An element about a photo that waits or is read; `cancel` is called when its button is. */
export function busyOf(photo, cancel) {
  const status = make("p", { className: "status" });
  const bar = make("progress", { className: "busy" });
  bar.setAttribute("aria-label", `Reading ${photo.name}`);
  const button = make("button", { type: "button", className: "button", textContent: "Cancel" });
  button.addEventListener("click", cancel);
  const node = make("div", { className: "page-said in-work" }, status, bar, button);
  node.dataset.status = photo.status;
  function tell() {
    const seconds = photo.status === "reading" ? Math.floor((performance.now() - photo.began) / 1000) : 0;
    status.textContent = seconds ? `${STATUS[photo.status]} ${seconds} s` : STATUS[photo.status];
  }
  const timer = setInterval(() => (photo.done ? clearInterval(timer) : tell()), TICK);
  tell();
  return node;
}
