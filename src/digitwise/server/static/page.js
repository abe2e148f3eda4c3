// The page: a sheet, photos, and what is read from them.

import { ask, link, lock, read, token, Unreached } from "./api.js";
import { byId } from "./dom.js";
import { Sheet } from "./drawing.js";
import { tell } from "./facts.js";
import { listen } from "./incoming.js";
import { latest } from "./latest.js";
import { watch } from "./notice.js";
import { Photos } from "./photos.js";
import { Result } from "./result.js";
import { say } from "./say.js";
import { sentence, STATUS } from "./words.js";

const PAUSE = 80; // milliseconds between two readings of a drawing
const BLANK = { status: "blank", label: null };

/** The model and the service, as soon as the server tells. */
async function about() {
  try {
    const service = await ask("v1/service");
    if (service.token && !token.get()) throw lock();
    return [await ask("v1/model"), service];
  } catch (error) {
    if (!(error instanceof Unreached)) throw error;
    await new Promise((done) => link.addEventListener("open", done, { once: true }));
    return about();
  }
}

/** Read a sheet into a result while one draws. */
function readWhileDrawn(sheet, result) {
  async function look() {
    if (sheet.empty) return;
    const { number } = sheet;
    try {
      const reading = await read(() => sheet.png(), { mode: "single" });
      if (number === sheet.number) show(reading);
    } catch (error) {
      if (!(error instanceof Unreached)) show({ status: "error", label: null, error: error.message });
    }
  }
  function show(reading) {
    result.show(reading);
    say(`${STATUS[reading.status]} ${reading.label ?? ""}: ${sentence(reading)}`);
  }
  const again = latest(look, PAUSE);
  sheet.addEventListener("change", () => {
    result.offer(() => sheet.png());
    if (sheet.empty) show(BLANK);
    else again();
  });
  link.addEventListener("open", again);
  again();
}

function equip(sheet) {
  const [undo, clear, brush] = ["undo", "clear", "brush"].map(byId);
  sheet.addEventListener("change", () => {
    undo.disabled = !sheet.undoable;
    clear.disabled = sheet.empty;
    byId("hint").hidden = !sheet.empty;
  });
  undo.addEventListener("click", () => sheet.undo());
  clear.addEventListener("click", () => sheet.clear());
  brush.addEventListener("input", () => (sheet.brush = Number(brush.value)));
  addEventListener("keydown", (event) => {
    const wished = event.key === "z" && (event.ctrlKey || event.metaKey) && !event.shiftKey;
    if (!wished || event.target.type === "password") return; // a field undoes what was typed
    event.preventDefault();
    sheet.undo();
  });
}

watch();
const sheet = new Sheet(byId("pad"));
equip(sheet);
new Result(byId("drawn"), [..."0123456789"], { collects: false }).show(BLANK); // until the model's classes are known
const told = about();
const photos = told.then(([model, service]) => new Photos(model.classes, service));
listen(async (files) => (await photos).add(files));
const [model, service] = await told;
tell(model, service);
const result = new Result(byId("drawn"), model.classes, { collects: service.collect });
result.show(BLANK);
readWhileDrawn(sheet, result);
document.documentElement.dataset.ready = "";
