// Sorts the table by a column's button, and filters its rows by text and state.
const body = document.querySelector("#class tbody");
const rows = [...body.rows];
const heads = [...document.querySelectorAll("#class th")];
const search = document.getElementById("search");
const state = document.getElementById("state");
const value = (row, place) => row.cells[place].dataset.value ?? row.cells[place].textContent.trim();

function sort(place) {
  const down = heads[place].getAttribute("aria-sort") !== "descending"; // most points first
  heads.forEach((head) => head.removeAttribute("aria-sort"));
  heads[place].setAttribute("aria-sort", down ? "descending" : "ascending");
  const order = (a, b) => value(b, place).localeCompare(value(a, place), undefined, { numeric: true });
  rows.sort((a, b) => (down ? order(a, b) : order(b, a)));
  body.append(...rows);
}

function filter() {
  const words = search.value.toLowerCase();
  for (const row of rows) {
    const wanted = !state.value || row.dataset.state === state.value;
    row.hidden = !wanted || !row.textContent.toLowerCase().includes(words);
  }
  const shown = rows.filter((row) => !row.hidden).length;
  document.getElementById("count").textContent = `${shown} of ${rows.length}`;
}

heads.forEach((head, place) => head.firstElementChild.addEventListener("click", () => sort(place)));
search.addEventListener("input", filter);
state.addEventListener("change", filter);
filter();
