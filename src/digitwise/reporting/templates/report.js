// The images behind the numbers: galleries of the confusion matrix's cells, the filtered errors, the map's points.
const data = JSON.parse(document.getElementById("tiles").textContent);
const BATCH = 60; // tiles shown before one asks for more
const percent = (perMille) => `${(perMille / 10).toFixed(1)} %`;

function tile(place) {
  const item = document.createElement("li");
  item.className = "tile";
  const image = document.createElement("i");
  image.className = "sheet-test";
  image.style.setProperty("--x", place % data.columns);
  image.style.setProperty("--y", Math.floor(place / data.columns));
  const [given, predicted] = [data.names[data.given[place]], data.names[data.predicted[place]]];
  const small = document.createElement("small");
  small.textContent = `${percent(data.confidence[place])} · #${data.index[place]}`;
  item.append(image, data.given[place] === data.predicted[place] ? given : `${given} → ${predicted}`, small);
  return item;
}

/** Fill a list with tiles, a batch at a time. */
function fill(list, more, places) {
  list.replaceChildren();
  const show = () => {
    const start = list.children.length;
    list.append(...places.slice(start, start + BATCH).map(tile));
    more.hidden = list.children.length >= places.length;
  };
  more.onclick = show;
  show();
}

const all = data.given.map((_, place) => place);
const surest = (a, b) => data.confidence[b] - data.confidence[a];

// A cell of the confusion matrix opens its images.
const dialog = document.querySelector("dialog");
document.querySelector(".confusion").addEventListener("click", (event) => {
  const cell = event.target.closest("button");
  if (!cell) return;
  const [given, predicted] = [Number(cell.dataset.given), Number(cell.dataset.predicted)];
  const places = all.filter((i) => data.given[i] === given && data.predicted[i] === predicted);
  places.sort(given === predicted ? (a, b) => surest(b, a) : surest); // of the right ones the doubtful first
  dialog.querySelector("h3").textContent = cell.getAttribute("aria-label");
  fill(dialog.querySelector("ul"), dialog.querySelector(".more"), places);
  dialog.showModal();
  dialog.scrollTop = 0;
});
dialog.querySelector(".close").addEventListener("click", () => dialog.close());
dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());

// The errors, filtered.
const gallery = document.getElementById("gallery");
const filters = document.querySelector(".filters");
const errors = all.filter((i) => data.given[i] !== data.predicted[i]).sort(surest);
function filter() {
  const { given, predicted, confidence } = filters.elements;
  const least = Number(confidence.value) * 10;
  const matches = (chosen, value) => chosen.value === "" || Number(chosen.value) === value;
  const places = errors.filter(
    (i) => matches(given, data.given[i]) && matches(predicted, data.predicted[i]) && data.confidence[i] >= least,
  );
  document.getElementById("least").textContent = `${confidence.value} %`;
  document.getElementById("count").textContent = `${places.length} of ${errors.length} wrong images`;
  fill(gallery, gallery.nextElementSibling, places);
}
filters.addEventListener("input", filter);
filters.addEventListener("submit", (event) => event.preventDefault());
filter();

// A point of the map shows its image.
const box = document.querySelector(".mapbox");
if (box) {
  const hover = box.querySelector(".hover");
  const show = (event) => {
    const place = event.target.dataset?.t;
    hover.hidden = place === undefined || Number(place) < 0;
    if (hover.hidden) return;
    hover.replaceChildren(...tile(Number(place)).childNodes);
    const [point, frame] = [event.target.getBoundingClientRect(), box.getBoundingClientRect()];
    const left = Math.min(point.left - frame.left + 14, frame.width - hover.offsetWidth - 4);
    const below = point.top - frame.top + 14;
    hover.style.left = `${Math.max(0, left)}px`;
    hover.style.top = `${below + hover.offsetHeight > frame.height ? below - hover.offsetHeight - 24 : below}px`;
  };
  box.addEventListener("pointerover", show);
  box.addEventListener("pointerleave", () => (hover.hidden = true));
}
