// Work that is asked for often: one run at a time, some rest between two, and the last wish is always met.

/** A function that asks for `work` to be done, which may be asynchronous. */
export function latest(work, milliseconds) {
  let wanted = false;
  let busy = false;
  async function run() {
    wanted = false;
    await work();
    busy = false;
    if (wanted) ask();
  }
  function ask() {
    wanted = true;
    if (busy) return;
    busy = true;
    setTimeout(run, milliseconds);
  }
  return ask;
}
