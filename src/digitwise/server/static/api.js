// The only place that talks to the server.

const KEY = "digitwise-token";
const ATTEMPTS = 6; // of a request that the server is too busy for
const LONGEST = 30; // seconds to wait for a busy server, whatever it says
const PATIENCE = 60_000; // milliseconds for one answer

/** The server cannot be asked now: it is gone, or wants a token first. What was asked can be asked again. */
export class Unreached extends Error {}

/** The server said no, and why. */
export class Refused extends Error {}

/** Tells of "gone", "locked" and "open", each once when it comes to be so. */
export const link = new EventTarget();
let state = "open";

function become(now) {
  if (now === state) return;
  state = now;
  link.dispatchEvent(new Event(now));
}

export const token = {
  get: () => sessionStorage.getItem(KEY),
  // No token has other characters, and no header could carry them.
  keep: (value) => sessionStorage.setItem(KEY, value.replace(/[^ -~]/g, "?")),
};

/** Ask for the token; the error to throw meanwhile. */
export function lock() {
  become("locked");
  return new Unreached("The server asks for a token.");
}

const rest = (seconds, signal) => new Promise((done) => {
  setTimeout(done, seconds * 1000);
  signal?.addEventListener("abort", done, { once: true });
});

async function fetched(path, method, body, cancelled) {
  const secret = token.get();
  const headers = secret ? { Authorization: `Bearer ${secret}` } : {};
  try {
    const signals = [AbortSignal.timeout(PATIENCE), ...(cancelled ? [cancelled] : [])];
    const signal = AbortSignal.any(signals);
    const response = await fetch(path, { method, headers, body, cache: "no-store", signal });
    return [response, await response.text()];
  } catch {
    cancelled?.throwIfAborted(); // nobody waits for the answer any more, and the server is not gone
    become("gone");
    throw new Unreached("The server does not answer.");
  }
}

function reasonOf(response, text) {
  try {
    const { title, detail } = JSON.parse(text);
    return detail ?? title;
  } catch {
    return `The server answered ${response.status}.`;
  }
}

/**
 * An answer's JSON; `body` is a function, so that each attempt sends what is newest. A `signal` that is aborted ends
 * it with the signal's reason.
 */
export async function ask(path, { method = "GET", body, signal } = {}) {
  for (let attempt = 1; ; attempt += 1) {
    const [response, text] = await fetched(path, method, await body?.(), signal);
    if (response.status === 503 && attempt < ATTEMPTS) {
      await rest(Math.min(Number(response.headers.get("Retry-After")) || 1, LONGEST), signal);
      signal?.throwIfAborted();
      continue;
    }
    if (response.status === 401) throw lock();
    become("open");
    if (!response.ok) throw new Refused(reasonOf(response, text));
    return JSON.parse(text);
  }
}

const form = (fields) => {
  const data = new FormData();
  for (const [name, value, file] of fields) data.append(name, value, ...(file ? [file] : []));
  return data;
};

/** What is on one image, read as single, numbers or auto, with what the model saw. `image` gives the newest. */
export async function read(image, { mode, name = "image.png", signal }) {
  const body = async () => form([["image", await image(), name]]);
  const { readings } = await ask(`v1/read?input=true&mode=${mode}`, { method: "POST", body, signal });
  return readings[0];
}

/** Store an image under its right label; where it lies then. */
export async function collect(image, label) {
  const body = () => form([["image", image, "image.png"], ["label", label]]);
  return (await ask("v1/collect", { method: "POST", body })).path;
}
