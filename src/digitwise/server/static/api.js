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

const rest = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

async function fetched(path, method, body) {
  const secret = token.get();
  const headers = secret ? { Authorization: `Bearer ${secret}` } : {};
  try {
    const signal = AbortSignal.timeout(PATIENCE);
    const response = await fetch(path, { method, headers, body, cache: "no-store", signal });
    return [response, await response.text()];
  } catch {
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

/** An answer's JSON and status; `body` is a function, so that each attempt sends what is newest. */
export async function ask(path, { method = "GET", body } = {}) {
  for (let attempt = 1; ; attempt += 1) {
    const [response, text] = await fetched(path, method, await body?.());
    if (response.status === 503 && attempt < ATTEMPTS) {
      await rest(Math.min(Number(response.headers.get("Retry-After")) || 1, LONGEST));
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

/** One picture as one digit, with what the model saw. `picture` gives the newest. */
export async function read(picture, name = "picture.png") {
  const body = async () => form([["picture", await picture(), name]]);
  const { readings } = await ask("v1/read?input=true", { method: "POST", body });
  return readings[0];
}

/** One picture as lines of digits. */
export async function readNumbers(file) {
  const body = () => form([["picture", file, file.name]]);
  const { pages } = await ask("v1/read/numbers", { method: "POST", body });
  return pages[0];
}

/** Store a picture under its right label; where it lies then. */
export async function collect(picture, label) {
  const body = () => form([["picture", picture, "picture.png"], ["label", label]]);
  return (await ask("v1/collect", { method: "POST", body })).path;
}
