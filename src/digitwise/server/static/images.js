// Images as the browser opens them: upright by their EXIF orientation, or not at all where it knows no such format.

const MARGIN = 0.2; // of a digit's height, left around it when it is cut out
const LARGEST = 1600; // pixels a side of a photo that is shown

/** The image of a file, null where the browser cannot open it. */
export async function opened(file) {
  try {
    return await createImageBitmap(file);
  } catch {
    return null;
  }
}

const canvasOf = (width, height) => Object.assign(document.createElement("canvas"), { width, height });

/** A small square of the middle. */
export function thumbnail(bitmap, side = 80) {
  const canvas = canvasOf(side, side);
  const least = Math.min(bitmap.width, bitmap.height);
  const [left, top] = [(bitmap.width - least) / 2, (bitmap.height - least) / 2];
  canvas.getContext("2d").drawImage(bitmap, left, top, least, least, 0, 0, side, side);
  return canvas;
}

/** A part of an image, turned by quarters counter-clockwise, not larger than it is good to show. */
export function part(bitmap, [left, top, right, bottom], turn) {
  const [width, height] = [right - left, bottom - top];
  const scale = Math.min(1, LARGEST / Math.max(width, height));
  const [across, down] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  const canvas = turn % 2 ? canvasOf(down, across) : canvasOf(across, down);
  const context = canvas.getContext("2d");
  context.translate(canvas.width / 2, canvas.height / 2);
  context.rotate((-turn * Math.PI) / 2);
  context.drawImage(bitmap, left, top, width, height, -across / 2, -down / 2, across, down);
  return canvas;
}

/** One digit of a photo with some paper around it, as a PNG. */
export async function cutOut(file, [left, top, right, bottom], turn) {
  const bitmap = await opened(file);
  const margin = Math.max(2, Math.round((bottom - top) * MARGIN));
  const first = [left, top].map((edge) => Math.max(0, edge - margin));
  const last = [Math.min(bitmap.width, right + margin), Math.min(bitmap.height, bottom + margin)];
  const canvas = part(bitmap, [...first, ...last], turn);
  bitmap.close();
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}
