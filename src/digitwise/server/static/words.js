// How readings are said.

/** One decimal, and never a hundred: nothing is that sure. */
export const percent = (share) => `${(Math.min(share, 0.999) * 100).toFixed(1)} %`;

export const STATUS = {
  read: "Read", unsure: "Unsure", blank: "Blank", error: "Error", waiting: "Waiting", reading: "Reading …", cancelled: "Cancelled",
};

/** A count and its noun: 1 digit, 2 digits. */
export const some = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

/** A reading of one digit in a sentence. */
export function sentence({ status, label, confidence, error }) {
  if (status === "read") return `${percent(confidence)} sure`;
  if (status === "unsure") return `Perhaps ${label}, with ${percent(confidence)}: not sure enough to count as read.`;
  if (status === "blank") return "There is nothing to read.";
  return `${error[0].toUpperCase()}${error.slice(1)}`;
}

/** A page in a sentence. */
export function pageSentence({ status, lines, numbers }) {
  if (status === "blank") return "There is nothing to read.";
  if (!numbers.length) return "There is ink, but no number was found in it.";
  const unsure = numbers.filter((number) => number.status === "unsure").length;
  const found = `${some(numbers.length, "number")} in ${some(lines.length, "line")}`;
  if (numbers.length === 1) return `${found}, ${unsure ? "unsure" : "sure"}.`;
  return `${found}, ${unsure ? `${unsure} of them unsure` : "all of them sure"}.`;
}
