// A sheet to draw on with mouse, pen or finger.

const SIDE = 280; // of the image that is read, in whose pixels strokes are kept

/** A canvas that holds strokes, and says "change" whenever they do. */
export class Sheet extends EventTarget {
  brush = 20;
  number = 0; // of the sheet: another one with each clearing, so that late answers can be told apart
  #canvas;
  #strokes = [];
  #past = [];
  #pointer = null;
  #frame = 0;

  constructor(canvas) {
    super();
    this.#canvas = canvas;
    canvas.addEventListener("pointerdown", (event) => this.#begin(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (event) => this.#end(event));
    new ResizeObserver(() => this.#fit()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#show());
  }

  get empty() {
    return !this.#strokes.length;
  }

  get undoable() {
    return this.#past.length > 0;
  }

  undo() {
    if (!this.undoable) return;
    this.#pointer = null;
    this.#strokes = this.#past.pop();
    this.#changed();
  }

  clear() {
    if (this.empty) return;
    this.#pointer = null;
    this.#past.push(this.#strokes);
    this.#strokes = [];
    this.#changed();
  }

  /** The drawing as a PNG, dark on white whatever the colours of the page. */
  png() {
    const canvas = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
    const context = canvas.getContext("2d");
    context.fillStyle = "#fff";
    context.fillRect(0, 0, SIDE, SIDE);
    this.#paint(context, "#000");
    return new Promise((done) => canvas.toBlob(done, "image/png"));
  }

  #begin(event) {
    if (this.#pointer !== null || event.button !== 0) return; // a second finger, or the palm
    event.preventDefault();
    this.#pointer = event.pointerId;
    this.#canvas.setPointerCapture(event.pointerId);
    this.#past.push(this.#strokes);
    this.#strokes = [...this.#strokes, { width: this.brush, points: [this.#place(event)] }];
    this.#changed();
  }

  #move(event) {
    if (event.pointerId !== this.#pointer) return;
    const all = event.getCoalescedEvents?.() ?? [];
    this.#strokes.at(-1).points.push(...(all.length ? all : [event]).map((each) => this.#place(each)));
    this.#changed();
  }

  #end(event) {
    if (event.pointerId === this.#pointer) this.#pointer = null;
  }

  #place(event) {
    const frame = this.#canvas.getBoundingClientRect();
    return [((event.clientX - frame.left) / frame.width) * SIDE, ((event.clientY - frame.top) / frame.height) * SIDE];
  }

  #changed() {
    if (this.empty) this.number += 1;
    this.#frame ||= requestAnimationFrame(() => this.#show());
    this.dispatchEvent(new Event("change"));
  }

  #fit() {
    const side = Math.round(this.#canvas.clientWidth * devicePixelRatio);
    Object.assign(this.#canvas, { width: side, height: side });
    this.#show();
  }

  #show() {
    this.#frame = 0;
    const context = this.#canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    context.scale(this.#canvas.width / SIDE, this.#canvas.width / SIDE);
    this.#paint(context, getComputedStyle(this.#canvas).color);
  }

  #paint(context, ink) {
    Object.assign(context, { strokeStyle: ink, lineCap: "round", lineJoin: "round" });
    for (const { width, points } of this.#strokes) {
      context.lineWidth = width;
      context.stroke(pathThrough(points));
    }
  }
}

/** A smooth way: curves from middle to middle, bent towards the points between. */
function pathThrough(points) {
  const path = new Path2D();
  const [first, last] = [points[0], points.at(-1)];
  path.moveTo(...first);
  for (let i = 1; i < points.length - 1; i += 1) {
    const [[x, y], [nextX, nextY]] = [points[i], points[i + 1]];
    path.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
  }
  path.lineTo(...last); // of a dot as well, which has an end to be rounded then
  return path;
}
