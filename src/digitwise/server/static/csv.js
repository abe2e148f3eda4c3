// Readings as CSV (RFC 4180): a row for each number and each single digit, first the columns of digitwise read.

const COLUMNS = ["path", "label", "confidence", "status", "text", "error", "written", "left", "top", "right", "bottom"];

/** A cell. A spreadsheet would take one that begins like a formula for one, so that gets an apostrophe. */
function cell(value) {
  const text = String(value ?? "");
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

const rounded = (share) => (share === null ? null : Number(share.toFixed(6)));

function rowsOf(photo) {
  const { name, page, status, error } = photo;
  if (!page?.numbers.length) return [[name, page ? null : photo.text, rounded(photo.confidence), status, null, error]];
  return page.numbers.map((number) => {
    return [name, null, rounded(number.confidence), number.status, number.text, null, number.written, ...number.box];
  });
}

/** The text of a file of rows, each of values. */
export const linesOf = (rows) => rows.map((values) => `${values.map(cell).join(",")}\r\n`).join("");

/** The text of a file about the photos that are done. */
export function csvOf(photos) {
  const rows = [COLUMNS, ...photos.filter((photo) => photo.done).flatMap(rowsOf)];
  return linesOf(rows.map((cells) => COLUMNS.map((_, place) => cells[place])));
}

/** Hand a text to the browser as a download. */
export function download(text, name) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  Object.assign(document.createElement("a"), { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
