// How readings are said.

/** One decimal, and never a hundred: nothing is that sure. */
export const percent = (share) => `${(Math.min(share, 0.999) * 100).toFixed(1)} %`;

export const STATUS = {
  read: "Read", unsure: "Unsure", blank: "Blank", error: "Error", waiting: "Waiting", reading: "Reading …",
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
export function pageSentence(page) {
  const digits = page.lines.flatMap((line) => line.digits);
  if (!digits.length) return "No digits found.";
  const unsure = digits.filter((digit) => digit.status === "unsure").length;
  const found = `${some(digits.length, "digit")} in ${some(page.lines.length, "line")}`;
  return `${found}, ${unsure ? `${unsure} of them unsure` : "all of them sure"}.`;
}

/** Of a page: blank without digits, read where all of them are. */
export function pageStatus(page) {
  const digits = page.lines.flatMap((line) => line.digits);
  if (!digits.length) return "blank";
  return digits.every((digit) => digit.status === "read") ? "read" : "unsure";
}
