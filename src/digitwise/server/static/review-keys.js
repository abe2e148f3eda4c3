// Which key stands for which label.

const COMMANDS = { k: "keep", d: "drop", u: "undo", Backspace: "undo", ArrowLeft: "previous", ArrowRight: "next" };
const SPARE = [..."0123456789abcefghijlmnopqrstvwxyz"];

/** A key for each name: its own where it is one character, else the next one that is free; null where none is left. */
export function keysFor(names) {
  const taken = new Set(["d", "k", "u"]);
  const own = names.map((name) => {
    if (name.length !== 1 || name === " " || taken.has(name)) return null;
    taken.add(name);
    return name;
  });
  const spare = SPARE.filter((key) => !taken.has(key));
  return own.map((key) => key ?? spare.shift() ?? null);
}

/** What a key press asks for: a command, or `{ label }`; null for nothing. */
export function meaningOf(event, names, keys) {
  if (event.ctrlKey || event.metaKey) {
    return event.key === "z" && !event.shiftKey ? "undo" : null;
  }
  if (event.altKey || event.target.closest("input, select, textarea")) return null;
  const digit = /^Digit(\d)$/.exec(event.code)?.[1]; // keyboards whose digits need Shift
  for (const key of [event.key, event.key.toLowerCase(), event.key.toUpperCase(), digit]) {
    const place = keys.indexOf(key);
    if (key in COMMANDS) return COMMANDS[key];
    if (key && place >= 0) return { label: names[place] };
  }
  return null;
}
