// How many pixels of the sheet are inked.
() => {
  const { width, height } = document.getElementById("pad");
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(document.getElementById("pad"), 0, 0);
  return context.getImageData(0, 0, width, height).data.filter((value, place) => place % 4 === 3 && value > 128).length;
}
