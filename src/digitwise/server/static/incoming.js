// Ways for photos to come in: chosen, taken, pasted, dropped.

import { byId } from "./dom.js";

/** Call `take` with the files that come. */
export function listen(take) {
  for (const [button, input] of [["choose", "files"], ["shoot", "camera"]]) {
    byId(button).addEventListener("click", () => byId(input).click());
    byId(input).addEventListener("change", ({ target }) => {
      take([...target.files]);
      target.value = ""; // so that the same file can be chosen again
    });
  }
  document.addEventListener("paste", ({ clipboardData }) => take([...clipboardData.files]));
  listenForDrops(take);
}

function listenForDrops(take) {
  const mine = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => {
    if (!mine(event)) return;
    event.preventDefault();
    byId("drop").hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) byId("drop").hidden = true; // it left the window
  });
  addEventListener("drop", async (event) => {
    if (!mine(event)) return;
    event.preventDefault();
    byId("drop").hidden = true;
    take(await filesOf([...event.dataTransfer.items]));
  });
}

/** The files that were dropped, and those in folders that were. */
async function filesOf(items) {
  const files = items.map((item) => [item.webkitGetAsEntry?.(), item.getAsFile()]); // at once: items do not stay
  const found = await Promise.all(files.map(([entry, file]) => (entry?.isDirectory ? filesIn(entry) : file)));
  return found.flat().filter((file) => file && !file.name.startsWith("."));
}

async function filesIn(folder) {
  const reader = folder.createReader();
  const entries = [];
  for (let some; (some = await new Promise((...done) => reader.readEntries(...done))).length; ) entries.push(...some);
  const fileOf = (entry) => new Promise((...done) => entry.file(...done));
  return (await Promise.all(entries.map((each) => (each.isDirectory ? filesIn(each) : fileOf(each))))).flat();
}
