// Readings as CSV (RFC 4180), with the columns that digitwise read writes.

const COLUMNS = ["path", "label", "confidence", "status", "text", "error"];

/** A cell. A spreadsheet would take one that begins like a formula for one, so that gets an apostrophe. */
function cell(value) {
  const text = String(value ?? "");
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

function row(photo) {
  const failed = photo.status === "error";
  const single = photo.kind === "single" && !failed;
  const confidence = photo.confidence === null ? null : Number(photo.confidence.toFixed(6));
  const [label, text] = single ? [photo.text, null] : [null, failed ? null : photo.text];
  return [photo.name, label, confidence, photo.status, text, photo.error];
}

/** The text of a file about the photos that are done. */
export function csvOf(photos) {
  const rows = [COLUMNS, ...photos.filter((photo) => photo.done).map(row)];
  return rows.map((cells) => `${cells.map(cell).join(",")}\r\n`).join("");
}

/** Hand a text to the browser as a download. */
export function download(text, name) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  Object.assign(document.createElement("a"), { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
