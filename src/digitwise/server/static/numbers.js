// The numbers of a page with the digits that they are made of.

const DIGIT = /[0-9?]/;

/** Each number with its line, counted from 0, and its digits, each with its place in the line. */
export function numbersOf({ lines, numbers }) {
  const waiting = [...numbers];
  return lines.flatMap((line, row) => {
    const digits = line.digits.map((digit, column) => ({ ...digit, row, column }));
    const found = [];
    for (let start = 0; start < digits.length; start += found.at(-1).digits.length) {
      const number = waiting.shift();
      found.push({ ...number, row, digits: digits.slice(start, start + number.text.length) });
    }
    return found;
  });
}

/** A number as it is written, sign by sign: its text, and the digit where it is one. */
export function partsOf({ written, digits }) {
  const waiting = [...digits];
  return [...written].map((text) => ({ text, digit: DIGIT.test(text) ? waiting.shift() : null }));
}

/** A number as it would be if all digits were read. */
export const guessOf = (number) => partsOf(number).map(({ text, digit }) => digit?.label ?? text).join("");

/** All numbers of a page, a line break between two lines. */
export function textOf(page) {
  const rows = page.lines.map(() => []);
  for (const { row, written } of numbersOf(page)) rows[row].push(written);
  return rows.map((row) => row.join(" ")).join("\n");
}
