// What stands between the page and its server: it is gone, or it asks for a token.

import { ask, link, token } from "./api.js";
import { byId } from "./dom.js";

/** Show a line while the server is gone, and a field while it asks for a token. */
export function watch() {
  const [notice, form] = [byId("notice"), byId("token")];
  link.addEventListener("gone", () => {
    notice.querySelector("p").textContent = "The server does not answer. Is digitwise serve still running?";
    notice.hidden = false;
  });
  link.addEventListener("locked", () => {
    notice.hidden = true;
    form.hidden = false;
    byId("secret").focus();
  });
  link.addEventListener("open", () => (notice.hidden = form.hidden = true));
  notice.querySelector("button").addEventListener("click", () => ask("v1/service").catch(() => {}));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    unlock(form);
  });
}

async function unlock(form) {
  token.keep(byId("secret").value.trim());
  try {
    await ask("v1/model");
  } catch {
    form.querySelector("[role=status]").textContent = "That token was not accepted. Please check it.";
    byId("secret").select();
  }
}
